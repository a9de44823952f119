// Command bare is the floor that `task bench` compares Signet with: a net/http
// server with the least that any issuer in Go does for such a request.
//
//	bare -addr 127.0.0.1:PORT [-redis 127.0.0.1:PORT]
//
//	POST /refresh   one EVALSHA of a counter and one ES256 signature
//	POST /sign      one ES256 signature
//	GET  /constant  the same bytes each time
//	GET  /healthz   200
//
// It checks nothing, logs nothing and is never part of the product.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"io"
	"log"
	"net/http"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	headerTimeout = 5 * time.Second
	shutdownTime  = 5 * time.Second
	payloadBytes  = 400     // about the claims of a session's access token
	constantBytes = 1 << 10 // about a metadata document, less than a JWKS of four keys
	poolSize      = 64      // as Signet's
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	store := flag.String("redis", "127.0.0.1:6379", "address of Redis")
	flag.Parse()
	if err := serve(*addr, *store); err != nil {
		log.Fatal(err)
	}
}

func serve(addr, store string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b, err := newBare(store)
	if err != nil {
		return err
	}
	srv := &http.Server{Addr: addr, Handler: b.routes(), ReadHeaderTimeout: headerTimeout}
	go func() {
		<-ctx.Done()
		bounded, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		_ = srv.Shutdown(bounded) // the process ends in any case
	}()
	if err := srv.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

type bare struct {
	key      *ecdsa.PrivateKey
	redis    *redis.Client
	count    *redis.Script
	payload  []byte
	constant []byte
}

func newBare(store string) (*bare, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &bare{
		key: key,
		// The driver's dearer options are off, as in Signet: the floor is low.
		redis: redis.NewClient(&redis.Options{
			Addr: store, PoolSize: poolSize, Protocol: 2, DisableIdentity: true,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}),
		count:    redis.NewScript("return redis.call('INCR', KEYS[1])"),
		payload:  []byte(strings.Repeat("x", payloadBytes)),
		constant: []byte(strings.Repeat("x", constantBytes)),
	}, nil
}

func (b *bare) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /refresh", b.refresh)
	mux.HandleFunc("POST /sign", b.sign)
	mux.HandleFunc("GET /constant", func(w http.ResponseWriter, _ *http.Request) { b.write(w, b.constant) })
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func (b *bare) refresh(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadAll(r.Body); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	if err := b.count.Run(r.Context(), b.redis, []string{"bare"}).Err(); err != nil {
		http.Error(w, "redis", http.StatusServiceUnavailable)
		return
	}
	b.answer(w)
}

func (b *bare) sign(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadAll(r.Body); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	b.answer(w)
}

// answer signs the payload as a JWS is signed, in base64url with a header before it.
func (b *bare) answer(w http.ResponseWriter) {
	encoding := base64.RawURLEncoding
	token := encoding.AppendEncode([]byte("header."), b.payload)
	sum := sha256.Sum256(token)
	sig, err := ecdsa.SignASN1(rand.Reader, b.key, sum[:])
	if err != nil {
		http.Error(w, "sign", http.StatusInternalServerError)
		return
	}
	b.write(w, encoding.AppendEncode(append(token, '.'), sig))
}

func (b *bare) write(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the generator sees what is missing
}
