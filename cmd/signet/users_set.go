package main

import (
	"context"

	"github.com/signet-oidc/signet/issuer/account"
)

// usersSet changes what is known of a person. A flag that isn't given leaves its claim; an
// empty text takes it away.
type usersSet struct {
	who
	userClaims
}

// userClaims is what can be known of a person, as flags.
type userClaims struct {
	EmailVerified *bool `negatable:"" help:"The address is the person's: it was checked."`

	Name          *string `placeholder:"TEXT" help:"Full name, as it is shown."`
	GivenName     *string `placeholder:"TEXT" help:"First name."`
	FamilyName    *string `placeholder:"TEXT" help:"Family name."`
	MiddleName    *string `placeholder:"TEXT" help:"Middle name."`
	Nickname      *string `placeholder:"TEXT" help:"What friends say."`
	Username      *string `placeholder:"TEXT" help:"The name by which they like to be known (preferred_username)."`
	Profile       *string `placeholder:"URL" help:"Profile page."`
	Picture       *string `placeholder:"URL" help:"Picture."`
	Website       *string `placeholder:"URL" help:"Website."`
	Gender        *string `placeholder:"TEXT" help:"Gender."`
	Birthdate     *string `placeholder:"DATE" help:"1815-12-10, 0000-12-10 or 1815."`
	Zoneinfo      *string `placeholder:"ZONE" help:"Time zone, as Europe/Paris."`
	Locale        *string `placeholder:"TAG" help:"Language, as pt-BR."`
	Phone         *string `placeholder:"NUMBER" help:"Phone number, as +442083661177."`
	PhoneVerified *bool   `negatable:"" help:"The number is the person's: it was checked."`
	Address       *string `placeholder:"TEXT" help:"Postal address, in one text with line ends."`
}

// Run changes a user, and prints them.
func (c *usersSet) Run(a *app) error {
	if c.userClaims == (userClaims{}) {
		return usageError("say what to change, as in --name 'Ann Example' or --email-verified")
	}
	return c.change(a, "changed", func(ctx context.Context, p people, u account.User) error {
		profile := c.over(u.Profile)
		_, _, err := p.Edit(ctx, u.ID, account.Edit{EmailVerified: c.EmailVerified, Profile: &profile})
		return err
	})
}

// over puts what was given over a profile. A number that is another was not checked.
func (c userClaims) over(p account.Profile) account.Profile {
	if c.Phone != nil && *c.Phone != p.Phone {
		p.PhoneVerified = false
	}
	for _, f := range []struct{ to, from *string }{
		{&p.Name, c.Name}, {&p.GivenName, c.GivenName}, {&p.FamilyName, c.FamilyName}, {&p.MiddleName, c.MiddleName}, {&p.Nickname, c.Nickname},
		{&p.PreferredUsername, c.Username}, {&p.Page, c.Profile}, {&p.Picture, c.Picture}, {&p.Website, c.Website}, {&p.Gender, c.Gender},
		{&p.Birthdate, c.Birthdate}, {&p.Zoneinfo, c.Zoneinfo}, {&p.Locale, c.Locale}, {&p.Phone, c.Phone},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if c.PhoneVerified != nil {
		p.PhoneVerified = *c.PhoneVerified
	}
	if c.Address != nil {
		p.Address = &account.Address{Formatted: *c.Address}
		if *c.Address == "" {
			p.Address = nil
		}
	}
	return p
}
