// Command bench makes load, for the figures that `task bench` prints: it reads
// one job (JSON) on standard input, asks one endpoint over kept connections for
// a while, and writes how many answers came and what CPU time the measured
// processes used meanwhile (JSON) on standard output.
//
// Its test is the measurement: CPU of server and store a request, Signet beside
// the floor of ./bare, interleaved in one run, never wall time. Any answer but
// 200 is an error of the run. With -full the test prints the table that stands in
// the README; without, it takes half a minute and holds the ratios to twice the
// stated ones.
//
// It owns no micro-benchmark: those stand beside what they measure.
package main
