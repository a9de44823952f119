// Package admin is the operators' face, on the second address.
//
//	GET    /admin/keys                   every key and its next step; never a private part
//	POST   /admin/keys/rotate            {"alg"?,"force"?,"reason"?,"dry_run"?}   409 too_early
//	POST   /admin/keys/{kid}/revoke      {"reason"}
//	GET    /admin/users                  ?after=&limit=   one page
//	POST   /admin/users                  {"email","password","roles"?,"email_verified"?,"profile"?}
//	GET    /admin/users/{id}
//	PATCH  /admin/users/{id}             {"roles"?,"disabled"?,"password"?,"email_verified"?,"profile"?}   all or nothing
//	DELETE /admin/users/{id}
//	GET    /admin/clients                ?after=&limit=
//	POST   /admin/clients                a client; the answer has the secret, once
//	GET    /admin/clients/{id}
//	PATCH  /admin/clients/{id}           the members to change, by registration's names; null takes one away
//	POST   /admin/clients/{id}/secrets   {"keep"?: how long the older live on}
//	DELETE /admin/clients/{id}
//	GET    /admin/sessions               ?user=&client= (at least one) &after=&limit=&ended=true
//	DELETE /admin/sessions               ?user=&client= (at least one)   all of these end
//	GET    /admin/sessions/{id}
//	DELETE /admin/sessions/{id}
//	GET    /admin/audit                  ?before=&limit=&kind=&user=   newest first
//
// A page is {"items":[…],"next"?}: next is the cursor of the following page, for
// after or before; limit is 1 to 500, 50 if left out. A client in an answer shows of
// its secrets only from when to when they are good.
//
// Every call carries an access token of the audience <issuer>/admin with the role
// admin; its session and account are asked each time, so that who logged out or
// was demoted is refused at once.
package admin
