// Package heal shows with real servers that a Redis which lost everything, or went
// back in time, costs nobody their session and revives nobody's; and that an engine
// which is away is a 503 with Retry-After, never a refusal.
package heal
