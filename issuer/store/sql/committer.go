package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
)

// mostBatch bounds what one commit carries, so that nobody waits behind an
// endless batch.
const mostBatch = 256

// committer owns SQLite's one writing connection. Changes queue for it; those
// that wait while it commits share the next transaction and so its fsync, which is
// nearly all that a change costs.
type committer struct {
	conn  *sql.Conn // used by run alone
	write *prepared // the same
	queue chan *job
	stop  chan struct{} // closed by close: take no more
	ended chan struct{} // closed by run: nothing will be done any more
}

// job is one change. Its caller may give it up until it has begun, and waits for
// its end from then on.
type job struct {
	do    func(runner) error
	taken atomic.Bool // by run, or given up
	err   error       // set before done is closed
	panic any         // the same
	done  chan struct{}
}

func newCommitter(conn *sql.Conn) *committer {
	c := &committer{
		conn: conn, write: &prepared{on: conn},
		queue: make(chan *job, mostBatch), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.run()
	return c
}

// do runs f in a transaction of the writing connection.
func (c *committer) do(ctx context.Context, f func(context.Context, runner) error) error {
	if err := ctx.Err(); err != nil { // below, a queue with room might win
		return err
	}
	// What has begun isn't interrupted: an interrupted statement would roll back
	// the whole transaction, in which there are changes of others.
	free := context.WithoutCancel(ctx)
	j := &job{do: func(r runner) error { return f(free, r) }, done: make(chan struct{})}
	select {
	case c.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.stop:
		return errClosed
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		return c.giveUp(j, ctx.Err())
	case <-c.ended:
		return c.giveUp(j, errClosed)
	}
	return j.result()
}

func (c *committer) giveUp(j *job, err error) error {
	if j.taken.CompareAndSwap(false, true) {
		return err
	}
	<-j.done
	return j.result()
}

func (j *job) result() error {
	if j.panic != nil {
		panic(j.panic) // in the goroutine of whoever brought it
	}
	return j.err
}

func (c *committer) run() {
	defer close(c.ended)
	batch := make([]*job, 0, mostBatch)
	for {
		select {
		case j := <-c.queue:
			batch = c.gather(append(batch[:0], j))
			c.commit(batch)
		case <-c.stop:
			return
		}
	}
}

// gather takes what waits in the queue, up to a full batch, and leaves out what
// was given up.
func (c *committer) gather(batch []*job) []*job {
	for len(batch) < mostBatch {
		select {
		case j := <-c.queue:
			batch = append(batch, j)
			continue
		default:
		}
		break
	}
	taken := batch[:0]
	for _, j := range batch {
		if j.taken.CompareAndSwap(false, true) {
			taken = append(taken, j)
		}
	}
	return taken
}

// commit runs a batch in one transaction and tells each its result.
func (c *committer) commit(batch []*job) {
	if len(batch) == 0 {
		return
	}
	err := c.exec("BEGIN IMMEDIATE")
	if err == nil {
		err = c.transaction(batch)
	}
	for _, j := range batch {
		if err != nil {
			j.err = err
		}
		close(j.done)
	}
}

// transaction runs each job, and commits. An error means that nothing is known to
// be durable, of any of them.
func (c *committer) transaction(batch []*job) error {
	for _, j := range batch {
		if err := c.each(j, len(batch) > 1); err != nil {
			c.rollback()
			return err
		}
	}
	if len(batch) == 1 && (batch[0].err != nil || batch[0].panic != nil) {
		c.rollback()
		return nil
	}
	if err := c.exec("COMMIT"); err != nil {
		c.rollback()
		return err
	}
	return nil
}

// each runs one job; what it did is undone if it says so, and the others' is not.
func (c *committer) each(j *job, shared bool) error {
	if !shared {
		j.run(c.write)
		return nil
	}
	if err := c.exec("SAVEPOINT one"); err != nil {
		return err
	}
	j.run(c.write)
	if j.err != nil || j.panic != nil {
		// Where SQLite has rolled back all (disk full, I/O), this fails, and so
		// does the batch.
		if err := c.exec("ROLLBACK TO one"); err != nil {
			return fmt.Errorf("%w (after %w)", err, j.err)
		}
	}
	return c.exec("RELEASE one")
}

func (j *job) run(r runner) {
	defer func() { j.panic = recover() }()
	j.err = j.do(r)
}

func (c *committer) exec(statement string) error {
	_, err := c.write.ExecContext(context.Background(), statement)
	return err
}

func (c *committer) rollback() {
	_ = c.exec("ROLLBACK") // fails where SQLite has done so itself
}

// close ends run after what it has begun, and gives the connection back.
func (c *committer) close() error {
	close(c.stop)
	<-c.ended
	return errors.Join(c.write.close(), c.conn.Close())
}
