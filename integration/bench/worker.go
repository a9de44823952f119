package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	patience  = 10 * time.Second // for one answer
	mostBytes = 1 << 20          // of one answer
)

// worker is one kept connection, which asks again as soon as it is answered. It
// writes requests by hand: what it costs is taken from the servers' two cores.
type worker struct {
	job  *job
	once *queue
	head string // up to the value of Content-Length
	body string
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

type workers []*worker

// connect opens a connection for each body.
func (j *job) connect() (workers, error) {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", j.Method, j.Path, j.Addr)
	for _, line := range j.Header {
		head += line + "\r\n"
	}
	var all workers
	once := &queue{bodies: j.Once}
	for _, body := range j.Bodies {
		conn, err := net.Dial("tcp", j.Addr)
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, &worker{job: j, once: once, head: head, body: body, conn: conn, in: bufio.NewReaderSize(conn, 16<<10)})
	}
	return all, nil
}

func (w workers) close() {
	for _, one := range w {
		_ = one.conn.Close() // everything was read
	}
}

// ask has all workers ask for some time, and counts the answers. The first error
// of each ends it.
func (w workers) ask(d time.Duration) (requests int, err error) {
	var all sync.WaitGroup
	counts, errs := make([]int, len(w)), make([]error, len(w))
	until := time.Now().Add(d)
	for i, one := range w {
		all.Go(func() {
			for time.Now().Before(until) && errs[i] == nil && one.next() {
				errs[i] = one.ask()
				counts[i]++
			}
		})
	}
	all.Wait()
	for i := range w {
		if errs[i] != nil {
			return 0, errs[i]
		}
		requests += counts[i]
	}
	return requests, nil
}

// queue hands out what is good once, as far as it may.
type queue struct {
	mu     sync.Mutex // guards all below
	bodies []string
	end    int // of those that may be taken
	taken  int
}

// upTo lets n bodies of the queue be taken in all.
func (w workers) upTo(n int) {
	q := w[0].once
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end = n
}

// next takes the next body from the queue, if there is a queue; false: it is empty.
func (w *worker) next() bool {
	if len(w.job.Once) == 0 {
		return true
	}
	w.once.mu.Lock()
	defer w.once.mu.Unlock()
	if w.once.taken >= w.once.end {
		return false
	}
	w.body = w.once.bodies[w.once.taken]
	w.once.taken++
	return true
}

// ask is one request and its answer.
func (w *worker) ask() error {
	w.out = append(w.out[:0], w.head...)
	if w.body != "" {
		w.out = fmt.Appendf(w.out, "Content-Length: %d\r\n", len(w.body))
	}
	w.out = append(append(w.out, "\r\n"...), w.body...)
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return err
	}
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return fmt.Errorf("%s %s: %w", w.job.Method, w.job.Path, err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.300s", w.job.Method, w.job.Path, resp.Status, body)
	}
	return w.turn(body)
}

// turn makes the next body of an answer.
func (w *worker) turn(answer []byte) error {
	if !w.job.Rotates {
		return nil
	}
	const name = `"refresh_token":"` // a JSON reader would cost as much as the whole request does here
	_, rest, found := strings.Cut(string(answer), name)
	token, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		return fmt.Errorf("%s %s: no refresh_token in %.300q", w.job.Method, w.job.Path, answer)
	}
	w.body = w.job.Prefix + token + w.job.Suffix
	return nil
}
