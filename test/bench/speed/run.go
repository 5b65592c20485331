package main

import (
	"fmt"
	"strings"
	"time"
)

// A course is who sends to whom.
type course struct {
	relay       bool
	subscribers int
}

func (c course) String() string {
	if c.relay {
		return fmt.Sprintf("relay 1:%d", c.subscribers)
	}
	return fmt.Sprintf("direct 1:%d", c.subscribers)
}

// outcome is what one run of one contender gave.
type outcome struct {
	published, received report
	lost                int64
	cpu                 time.Duration
	rss                 int64
}

// runner knows where the relay is.
type runner struct{ relay string }

// run starts the processes of one contender, lets them work and ends them.
func (r runner) run(j job, c course) (o outcome, err error) {
	j.Subscribers = c.subscribers
	var all []*process
	add := func(p *process, err error) (*process, error) {
		if err == nil {
			all = append(all, p)
		}
		return p, err
	}
	defer func() {
		for i := len(all) - 1; i >= 0; i-- {
			u, bad := all[i].end()
			if err == nil {
				err = bad
			}
			o.cpu, o.rss = o.cpu+u.cpu, o.rss+u.rss
		}
	}()
	if c.relay {
		relay, err := add(r.startRelay(j))
		if err != nil {
			return o, err
		}
		if err := j.learn(relay); err != nil {
			return o, err
		}
	}
	publisher, err := add(startRole(j.as("publish")))
	if err != nil {
		return o, err
	}
	if !c.relay {
		if err := j.learn(publisher); err != nil {
			return o, err
		}
	}
	if _, err := publisher.expect("open"); err != nil {
		return o, err
	}
	subscriber, err := add(startRole(j.as("subscribe")))
	if err != nil {
		return o, err
	}
	return o, o.measure(publisher, subscriber)
}

// measure has the publisher publish, and the subscribers say what they got.
func (o *outcome) measure(publisher, subscriber *process) error {
	if _, err := subscriber.expect("open"); err != nil {
		return err
	}
	publisher.tell("go")
	subscriber.peer = publisher
	type result struct {
		report
		err error
	}
	received := make(chan result, 1)
	go func() {
		r, err := subscriber.report()
		received <- result{r, err}
	}()
	var err error
	if o.published, err = publisher.report(); err != nil {
		subscriber.tell("total", 0)
		<-received
		return err
	}
	subscriber.tell("total", o.published.Groups)
	r := <-received
	if r.err != nil {
		return r.err
	}
	o.received = r.report
	publisher.tell("got", endedText())
	return nil
}

func (j job) as(role string) job {
	j.Role = role
	return j
}

// learn notes where a server listens.
func (j *job) learn(server *process) error {
	text, err := server.expect("listening")
	if err != nil {
		return err
	}
	address, fingerprint, told := strings.Cut(text, " ")
	if !told { // the relay of the examples has a line for each
		if text, err = server.expect("certificate"); err != nil {
			return err
		}
		fingerprint = strings.TrimPrefix(text, "sha256 ")
	}
	j.Server, j.Fingerprint = address, fingerprint
	return nil
}

func (r runner) startRelay(j job) (*process, error) {
	if j.plain() {
		return startRole(j.as("relay"))
	}
	return start("relay", r.relay, "-listen", "127.0.0.1:0")
}
