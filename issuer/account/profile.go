package account

import "time"

// Profile is what a person may tell of themselves: the standard claims of OpenID
// Connect Core §5.1 by their names. What is empty is left out of tokens.
type Profile struct {
	Name              string    `json:"name,omitempty"`
	GivenName         string    `json:"given_name,omitempty"`
	FamilyName        string    `json:"family_name,omitempty"`
	MiddleName        string    `json:"middle_name,omitempty"`
	Nickname          string    `json:"nickname,omitempty"`
	PreferredUsername string    `json:"preferred_username,omitempty"`
	Page              string    `json:"profile,omitempty"` // URL
	Picture           string    `json:"picture,omitempty"` // URL
	Website           string    `json:"website,omitempty"` // URL
	Gender            string    `json:"gender,omitempty"`
	Birthdate         string    `json:"birthdate,omitempty"`    // YYYY-MM-DD, 0000-MM-DD or YYYY
	Zoneinfo          string    `json:"zoneinfo,omitempty"`     // IANA time zone
	Locale            string    `json:"locale,omitempty"`       // RFC 5646
	Phone             string    `json:"phone_number,omitempty"` // E.164
	PhoneVerified     bool      `json:"phone_number_verified,omitempty"`
	Address           *Address  `json:"address,omitempty"`
	Updated           time.Time `json:"updated_at,omitzero"`
}

// Address is a postal address (OpenID Connect Core §5.1.1).
type Address struct {
	Formatted  string `json:"formatted,omitempty"`
	Street     string `json:"street_address,omitempty"`
	Locality   string `json:"locality,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"`
}
