package httpx

import "net/http"

// DeviceCookie lets nobody in: it says that this device has logged in to this account
// before, and has its attempts counted apart. Every face that logs people in gives it.
const (
	DeviceCookie = "__Host-signet_device"
	deviceAge    = 180 * 24 * 3600 // seconds
)

// GiveDevice gives a device its token.
func GiveDevice(w http.ResponseWriter, token string) {
	http.SetCookie(w, Bake(DeviceCookie, token, "/", deviceAge))
}

// Bake makes a cookie that no script reads and that goes neither over plain HTTP nor
// with any request that another site caused. maxAge is in seconds, and -1 removes it.
func Bake(name, value, path string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: path, MaxAge: maxAge,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	}
}
