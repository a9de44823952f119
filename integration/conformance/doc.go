// Package conformance makes the checks of the OpenID Foundation's conformance suite, named
// by its test modules, against the running binary: over HTTPS, by what discovery says, with
// clients that register themselves for each module and a browser that follows a script.
//
// It owns the table below: every module of six profiles, what it checks, and what comes of
// it when the suite is run. It owns no rule: those are tested, at length, beside the code
// that keeps them. Form Post OP is the table of Basic OP with response_mode=form_post.
//
//	go test ./integration/conformance -run TestProfiles/Basic/oidcc-server
//	go test ./integration/conformance -args -long    # waits as long as the suite does
//
// "By a picture": a person of the foundation looks at the page that the module leads to.
// "Skipped": the suite passes the module over, by what discovery or an error says. "With a
// warning": the suite would have the claims of scopes at userinfo alone (OpenID Connect Core
// §5.4); they are in the ID token too, as many clients never ask userinfo.
//
// Dynamic OP is not met, by decisions that are ours:
//
//   - It wants the implicit grant (OpenID Connect Core §15.2), which RFC 9700 §2.1.2 advises
//     against. There is the code alone.
//   - It wants request_uri (OpenID Connect Core §6.2): an address of the client's that the
//     provider fetches for anybody. There are pushed requests (RFC 9126).
//   - The suite signs assertions for the token endpoint's URL; Signet takes those for the
//     issuer (draft-ietf-oauth-rfc7523bis). "But for aud" is what is met all the same.
//
// # Basic OP
//
//	oidcc-server                                                  a plain login: keys, registration, code, ID token, userinfo         pass
//	oidcc-response-type-missing                                   an error: invalid_request or unsupported_response_type              pass
//	oidcc-idtoken-signature                                       RS256 where nothing else was asked for, and a kid                   pass
//	oidcc-idtoken-unsigned                                        no alg none; not in discovery, not to be registered                 skipped
//	oidcc-userinfo-get                                            by GET, the token in the header                                     pass
//	oidcc-userinfo-post-header                                    by POST, the token in the header                                    pass
//	oidcc-userinfo-post-body                                      by POST, the token in the body                                      pass
//	oidcc-ensure-request-without-nonce-succeeds-for-code-flow     no nonce, and none in the ID token                                  pass
//	oidcc-scope-profile                                           all its claims at userinfo, of their types, no others               pass
//	oidcc-scope-email                                             the same; the warning: they are in the ID token too                 pass, with a warning
//	oidcc-scope-address                                           the same                                                            pass
//	oidcc-scope-phone                                             the same                                                            pass
//	oidcc-scope-all                                               the same                                                            pass
//	oidcc-ensure-other-scope-order-succeeds                       openid needn't be first (until 2023)                                pass
//	oidcc-alternate-happy-flow                                    scopes and parameters in another order; as scope-email              pass, with a warning
//	oidcc-display-page                                            display=page does no harm                                           pass
//	oidcc-display-popup                                           display=popup does no harm                                          pass
//	oidcc-prompt-login                                            the password is asked for again, auth_time is later                 pass, by a picture
//	oidcc-prompt-none-not-logged-in                               an error that says a person is needed                               pass
//	oidcc-prompt-none-logged-in                                   nobody is asked; the same sub and auth_time                         pass
//	oidcc-max-age-1                                               the password is asked for again, auth_time is later                 pass, by a picture
//	oidcc-max-age-10000                                           nobody is asked; auth_time is there, and the same                   pass
//	oidcc-ensure-request-with-unknown-parameter-succeeds          an unknown parameter is passed over                                 pass
//	oidcc-id-token-hint                                           prompt=none with the ID token of the login before                   pass
//	oidcc-login-hint                                              it is in the login page                                             pass
//	oidcc-ui-locales                                              an unknown language does no harm                                    pass
//	oidcc-claims-locales                                          does no harm                                                        pass
//	oidcc-ensure-request-with-acr-values-succeeds                 acr is one of those asked for                                       pass
//	oidcc-codereuse                                               invalid_grant the second time                                       pass
//	oidcc-codereuse-30seconds                                     the same, and the access token is revoked                           pass
//	oidcc-ensure-registered-redirect-uri                          another redirect URI is an error page                               pass, by a picture
//	oidcc-ensure-post-request-succeeds                            the authorization request by POST                                   pass
//	oidcc-server-client-secret-post                               oidcc-server by client_secret_post                                  pass
//	oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported  request_uri_not_supported                                           skipped
//	oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported  request_not_supported                                               skipped
//	oidcc-claims-essential                                        name by the claims parameter, at userinfo alone                     pass
//	oidcc-ensure-request-object-with-redirect-uri                 a bad redirect URI beside a request object: an error page           pass, by a picture
//	oidcc-refresh-token                                           refresh; the token is no other client's                             pass
//	oidcc-ensure-request-with-valid-pkce-succeeds                 PKCE, S256                                                          pass
//
// # Config OP
//
//	oidcc-discovery-endpoint-verification                         the document, its addresses, its keys                               pass
//
// # Dynamic OP
//
//	oidcc-idtoken-rs256                                           an ID token by RS256, as registered                                 not met, but for aud
//	oidcc-idtoken-unsigned                                        no alg none; not in discovery, not to be registered                 skipped
//	oidcc-userinfo-rs256                                          userinfo as a JWT by RS256                                          not met, but for aud
//	oidcc-ensure-redirect-uri-in-authorization-request            no redirect URI: an error page                                      pass, by a picture
//	oidcc-redirect-uri-query-OK                                   a registered query comes back                                       not met, but for aud
//	oidcc-redirect-uri-query-mismatch                             another query: an error page                                        pass, by a picture
//	oidcc-redirect-uri-query-added                                a query added: an error page                                        pass, by a picture
//	oidcc-redirect-uri-regfrag                                    a redirect URI with a fragment isn't registered                     pass
//	oidcc-discovery-endpoint-verification                         the same, and the implicit grant                                    not met
//	oidcc-server                                                  a plain login: keys, registration, code, ID token, userinfo         not met, but for aud
//	oidcc-registration-logo-uri                                   the logo is on the page of consent                                  not met, but for aud
//	oidcc-registration-policy-uri                                 the policy's link is on the page of consent                         not met, but for aud
//	oidcc-registration-tos-uri                                    the terms' link is on the page of consent                           not met, but for aud
//	oidcc-registration-jwks-uri                                   assertions by a key at jwks_uri                                     not met, but for aud
//	oidcc-registration-sector-uri                                 no pairwise; the document is read, and lists the redirect URI       skipped
//	oidcc-registration-sector-bad                                 no pairwise; a document that doesn't: invalid_client_metadata       skipped
//	oidcc-server-rotate-keys                                      a new key after a rotation, the old one still                       pass
//	oidcc-refresh-token-rp-key-rotation                           a refresh by a key that is new at jwks_uri                          not met, but for aud
//	oidcc-request-uri-unsigned                                    request_uri_not_supported                                           not met
//	oidcc-request-uri-signed-rs256                                request_uri_not_supported                                           not met
//	oidcc-ensure-request-object-with-redirect-uri                 a bad redirect URI beside a request object: an error page           pass, by a picture
//	oidcc-refresh-token                                           refresh; the token is no other client's                             not met, but for aud
//	oidcc-ensure-client-assertion-with-iss-aud-succeeds           assertions for the issuer                                           pass
//
// # RP-Initiated Logout OP
//
//	oidcc-rp-initiated-logout-discovery-endpoint-verification     end_session_endpoint; all by https                                  pass
//	oidcc-rp-initiated-logout                                     back with a long state; then nobody is logged in                    pass
//	oidcc-rp-initiated-logout-bad-post-logout-redirect-uri        an error page                                                       pass, by a picture
//	oidcc-rp-initiated-logout-modified-id-token-hint              alg none: an error page                                             pass, by a picture
//	oidcc-rp-initiated-logout-no-id-token-hint                    an error page                                                       pass, by a picture
//	oidcc-rp-initiated-logout-no-params                           asked, then told that nobody is logged in                           pass, by a picture
//	oidcc-rp-initiated-logout-no-post-logout-redirect-uri         told that nobody is logged in                                       pass, by a picture
//	oidcc-rp-initiated-logout-no-state                            back without a state                                                pass
//	oidcc-rp-initiated-logout-only-state                          asked, then told that nobody is logged in                           pass, by a picture
//	oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri  an error page                                                       pass, by a picture
//	oidcc-rp-initiated-logout-bad-id-token-hint                   signed by another: an error page                                    pass, by a picture
//
// # Back-Channel Logout OP
//
//	oidcc-backchannel-logout-discovery-endpoint-verification      logout and sessions by back channel in discovery                    pass
//	oidcc-backchannel-rp-initiated-logout                         a good logout token for the session; back; nobody logged in         pass
package conformance
