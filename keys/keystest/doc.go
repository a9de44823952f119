// Package keystest owns the contracts of what package keys is built on, as tests: [TestProvider] for whoever makes and
// holds signing keys (in memory, PKCS #11, a cloud's key service) and [TestStore] for whoever stores the ring. An
// implementation calls them in ten lines.
//
// It also has what tests elsewhere need to sign something: [MemStore], a store in memory, and [Open], a keeper on one.
//
// It doesn't test the keeper itself; keys does.
package keystest
