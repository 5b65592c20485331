package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// printTable shows the medians of one row for all contenders and returns how many groups were lost.
func printTable(title string, j job, rows map[string][]outcome) (lost int64) {
	fmt.Printf("\n%s\n", title)
	if j.Every > 0 {
		fmt.Println("                p50 ms  p90 ms  p99 ms  CPU s/GB  RSS MB  lost")
	} else {
		fmt.Println("                MB/s  of plain  CPU s/GB  allocs/frame  RSS MB  lost")
	}
	plain := median(rows["plain"], rate)
	for _, name := range contenders {
		all := rows[name]
		missing := int64(0)
		for _, o := range all {
			missing += o.lost
		}
		lost += missing
		if j.Every > 0 {
			fmt.Printf("%14s%8.2f%8.2f%8.2f%10.1f%8.0f%6d\n", name,
				median(all, delay(0.5)), median(all, delay(0.9)), median(all, delay(0.99)), median(all, cost), median(all, memory), missing)
			continue
		}
		mbs := median(all, rate)
		fmt.Printf("%14s%6.0f%10.2f%10.1f%14.1f%8.0f%6d\n", name,
			mbs, mbs/plain, median(all, cost), median(all, allocs), median(all, memory), missing)
	}
	return lost
}

func median(all []outcome, of func(outcome) float64) float64 {
	var values []float64
	for _, o := range all {
		values = append(values, of(o))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// rate is megabytes a second of payload, at all subscribers together.
func rate(o outcome) float64 {
	return float64(o.received.Bytes) / 1e6 / o.received.Elapsed.Seconds()
}

// cost is CPU seconds of all processes for each gigabyte.
func cost(o outcome) float64 { return o.cpu.Seconds() / (float64(o.received.Bytes) / 1e9) }

// allocs counts those of publisher and subscribers for each frame that arrived.
func allocs(o outcome) float64 {
	return float64(o.published.Allocs+o.received.Allocs) / float64(o.received.Frames)
}

func memory(o outcome) float64 { return float64(o.rss) / 1e6 }

// delay is a quantile of the time that frames took, in milliseconds.
func delay(quantile float64) func(outcome) float64 {
	return func(o outcome) float64 {
		delays := slices.SortedFunc(slices.Values(o.received.Delays), cmp.Compare[time.Duration])
		if len(delays) == 0 {
			return 0
		}
		return float64(delays[int(quantile*float64(len(delays)-1))]) / 1e6
	}
}
