package session

// maxAgent is how much of a User-Agent header is kept with a login, in bytes: browsers
// send half of it.
const maxAgent = 256

// agentOf is what is kept of a User-Agent header (RFC 9110 §10.1.5): its printable ASCII,
// which is all that browsers send. Anything may stand in one.
func agentOf(header string) string {
	kept := make([]byte, 0, min(len(header), maxAgent))
	for i := 0; i < len(header) && len(kept) < maxAgent; i++ {
		if c := header[i]; c >= ' ' && c <= '~' {
			kept = append(kept, c)
		}
	}
	return string(kept)
}
