package client

import "time"

// View is a client for operators: of its secrets only from when to when they are
// good, never what they hash to.
type View struct {
	Client
	// Both in the place of Client's, in JSON too.
	Secrets      []SecretView `json:"secrets,omitempty"`
	Registration *SecretView  `json:"registration,omitempty"` // present: the client registered itself
}

// SecretView is a secret without its hash.
type SecretView struct {
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// View returns the client as operators may see it.
func (c Client) View() View {
	v := View{Client: c}
	for _, s := range c.Secrets {
		v.Secrets = append(v.Secrets, SecretView{s.Created, s.Expires})
	}
	if r := c.Registration; r != nil {
		v.Registration = &SecretView{r.Created, r.Expires}
	}
	return v
}
