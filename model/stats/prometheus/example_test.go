package prometheus_test

import (
	"fmt"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/model/stats/prometheus"
	client "github.com/prometheus/client_golang/prometheus"
)

// An aggregator with an origin of its own, for a process that shows its numbers to
// Prometheus only.
func ExampleNewCollector() {
	counts, err := stats.New(stats.Config{Origin: model.NewOrigin()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer counts.Close()
	registry := client.NewRegistry()
	registry.MustRegister(prometheus.NewCollector(counts))

	track := counts.Handle(stats.External).Broadcast("room/alice").PublisherTrack("video")
	defer track.Close()
	track.Bytes(1200)

	families, err := registry.Gather() // what the handler of promhttp shows
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if f.GetName() == "moq_payload_bytes_total" {
			fmt.Println(f.GetName(), f.GetMetric()[0].GetCounter().GetValue())
		}
	}
	// Output: moq_payload_bytes_total 1200
}
