package jws

// Audience reads an aud: an array of strings, or one string (RFC 7519 §4.1.3), appended
// to dst.
func (r *Reader) Audience(dst []string) []string {
	if r.Kind() == String {
		return append(dst, r.String())
	}
	return r.Strings(dst)
}

// Confirmation reads a cnf (RFC 7800) and returns its jkt, the thumbprint of a DPoP key
// (RFC 9449 §6.1); "" where it is something else, or more than that, which a proof of
// the key doesn't meet.
func (r *Reader) Confirmation() (jkt string) {
	others := false
	for m := r.Object(); m.Next(r); {
		if m.Name == "jkt" {
			jkt = r.String()
		} else {
			others = true
		}
	}
	if others {
		return ""
	}
	return jkt
}
