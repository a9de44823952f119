// Package metrics has what Signet counts, in Prometheus' terms. Every series is
// named signet_…; labels are bounded (routes, statuses, algorithms, outcomes, counters).
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the series of one server.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	waits    prometheus.Histogram
	outbound *prometheus.HistogramVec
	Follow   prometheus.Counter // entries of the changes feed that were applied
	Failures *prometheus.CounterVec
	Notices  *prometheus.CounterVec // logout tokens that were to be sent, by outcome
}

// New returns the series, with those of the Go runtime and the process.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "signet_http_request_seconds", Help: "Requests by route and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route", "status"}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signet_hash_wait_seconds", Help: "How long logins waited for a hash worker.",
			Buckets: []float64{.001, .01, .05, .1, .25, .5, .75, 1},
		}),
		outbound: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "signet_outbound_call_seconds", Help: "Calls to others, with the wait for a turn, by purpose, outcome and who made the clients they are for.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"purpose", "outcome", "clients"}),
		Follow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "signet_changes_applied_total", Help: "Entries of the changes feed that were applied.",
		}),
		Failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signet_background_failures_total", Help: "Background steps that failed, by loop.",
		}, []string{"loop"}),
		Notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signet_logout_notices_total", Help: "Tries to tell a client of the end of a session (back-channel logout), by outcome.",
		}, []string{"outcome"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "signet_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.waits, m.outbound, m.Follow, m.Failures, m.Notices, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts a request. The route is the pattern that matched, never the path.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// HashWait is told how long a login waited for a worker.
func (m *Metrics) HashWait(took time.Duration) { m.waits.Observe(took.Seconds()) }

// Outbound counts a call to another. The names are outbound's, so that they are bounded; clients says who made those
// that it was for: operators, or registered (themselves).
func (m *Metrics) Outbound(purpose, outcome, clients string, took time.Duration) {
	m.outbound.WithLabelValues(purpose, outcome, clients).Observe(took.Seconds())
}

// Sampled adds series that are read when they are asked for: read calls set with
// the value of each label.
func (m *Metrics) Sampled(name, help, label string, read func(set func(label string, value float64))) {
	m.registry.MustRegister(&sampled{prometheus.NewDesc(name, help, labels(label), nil), label != "", read})
}

func labels(label string) []string {
	if label == "" {
		return nil
	}
	return []string{label}
}

type sampled struct {
	desc     *prometheus.Desc
	labelled bool
	read     func(func(string, float64))
}

func (s *sampled) Describe(out chan<- *prometheus.Desc) { out <- s.desc }

func (s *sampled) Collect(out chan<- prometheus.Metric) {
	s.read(func(label string, value float64) {
		var values []string
		if s.labelled {
			values = []string{label}
		}
		out <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, value, values...)
	})
}

// Handler answers GET /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
