// Package storetest is the contract of the engines as tests: one suite for every
// engine, with a concurrency group to be run under -race.
//
// An engine that keeps everything calls Run; one that keeps only what changes all
// the time calls Generations, Limits and Waiting. It owns the table of the refresh rules
// (rules.go), which is run on session.Decide as well, so that rule and engines
// can't drift apart. It doesn't test how an engine fails: that is the engine's own.
//
// Times are taken from the machine's clock and go on from there, because an
// engine may let what is over disappear by a clock of its own.
package storetest
