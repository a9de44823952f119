package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// job is what one process of the generator does.
type job struct {
	Addr   string // host:port of the server
	Method string
	Path   string
	Header []string // further lines, "Name: value"
	// Bodies are the requests' bodies: one a connection. With Rotates, each answer's
	// refresh_token between Prefix and Suffix is the connection's next body.
	Bodies  []string
	Rotates bool
	Prefix  string
	Suffix  string
	// Once are bodies that are good for one request each, as codes are: whichever
	// connection is free takes the next, until there is none. The first quarter of them
	// is the warm-up.
	Once []string
	Warm time.Duration // asked before the measurement
	For  time.Duration // measured
	Pids []int         // whose CPU time counts
}

// result is what came of a job.
type result struct {
	Requests int
	CPU      []time.Duration // of each of the job's Pids
	Bodies   []string        // what each connection would ask next
}

// warm is how long the warm-up may take: with Once it ends by itself.
func (j job) warm() time.Duration {
	if len(j.Once) > 0 {
		return j.For
	}
	return j.Warm
}

func run(in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	res, err := j.do()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(res)
}

// do warms up, then measures.
func (j job) do() (res result, err error) {
	workers, err := j.connect()
	if err != nil {
		return res, err
	}
	defer workers.close()
	workers.upTo(len(j.Once) / 4)
	if _, err := workers.ask(j.warm()); err != nil {
		return res, err
	}
	before, err := cpuOf(j.Pids)
	if err != nil {
		return res, err
	}
	workers.upTo(len(j.Once))
	if res.Requests, err = workers.ask(j.For); err != nil {
		return res, err
	}
	after, err := cpuOf(j.Pids)
	if err != nil {
		return res, err
	}
	for i := range after {
		res.CPU = append(res.CPU, after[i]-before[i])
	}
	for _, w := range workers {
		res.Bodies = append(res.Bodies, w.body)
	}
	return res, nil
}
