package behaviours

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
	"time"
)

// token is a token with the one thing about it.
type token struct{ name, raw string }

type claims = map[string]any

// claims are those of a good access token (RFC 9068 §2.2), without a status.
func (i *Issuer) claims() claims {
	now := time.Now().Unix()
	return claims{
		"iss": i.URL, "sub": "usr_1", "aud": Audience, "client_id": "app", "iat": now, "nbf": now, "exp": now + 600,
		"jti": rand.Text(), "scope": "openid", "roles": []string{"user"},
	}
}

// with is good claims with some set, or deleted by nil, as JSON.
func (i *Issuer) with(change claims) string {
	all := i.claims()
	maps.Copy(all, change)
	for name, value := range change {
		if value == nil {
			delete(all, name)
		}
	}
	return toJSON(all)
}

// Good makes a good token by the EC key.
func (i *Issuer) Good() string { return i.Claims(nil) }

// Claims makes a token that is good but for these claims.
func (i *Issuer) Claims(change claims) string {
	k := i.signing()
	return k.sign(k.header(""), i.with(change))
}

// Text makes a token of these claims as they stand.
func (i *Issuer) Text(claims string) string {
	k := i.signing()
	return k.sign(k.header(""), claims)
}

// Header makes a token of good claims under this header as it stands.
func (i *Issuer) Header(header string) string { return i.signing().sign(header, i.with(nil)) }

// Members makes a token of good claims under a good header with members more.
func (i *Issuer) Members(more string) string { return i.Header(i.signing().header("," + more)) }

// By makes a token of good claims that k signed.
func (i *Issuer) By(k *key) string { return k.sign(k.header(""), i.with(nil)) }

// Altered makes a token with one bit of its signature changed.
func (i *Issuer) Altered() string { return alter(i.Good()) }

func alter(raw string) string {
	at := strings.LastIndexByte(raw, '.') + 1
	c := byte('A')
	if raw[at] == c {
		c = 'B'
	}
	return raw[:at] + string(c) + raw[at+1:]
}

// Session makes a token whose status is at index of the list.
func (i *Issuer) Session(index int) string {
	return i.Claims(claims{"sid": rand.Text(), "status": i.status(index, i.URL+statusPath)})
}

func (i *Issuer) status(index int, uri string) claims {
	return claims{"status_list": claims{"idx": index, "uri": uri}}
}

// inside is good claims without the closing brace, to append to.
func (i *Issuer) inside() string { return strings.TrimSuffix(i.with(nil), "}") }

func seconds(offset int64) int64 { return time.Now().Unix() + offset }

// each makes a token for each value of a claim.
func (i *Issuer) each(claim string, values ...any) (all []token) {
	for _, v := range values {
		name := claim + " = " + shorten(toJSON(v))
		if v == nil {
			name = "no " + claim
		}
		all = append(all, token{name, i.Claims(claims{claim: v})})
	}
	return all
}

// texts makes a token of each of these claims.
func (i *Issuer) texts(all ...string) (tokens []token) {
	for _, text := range all {
		tokens = append(tokens, token{"claims …" + shorten(text[max(0, len(text)-40):]), i.Text(text)})
	}
	return tokens
}

// members makes a token of each of these further members of the header.
func (i *Issuer) members(all ...string) (tokens []token) {
	for _, more := range all {
		tokens = append(tokens, token{"header with " + shorten(more), i.Members(more)})
	}
	return tokens
}

func shorten(s string) string { return fmt.Sprintf("%.60q", s) }
