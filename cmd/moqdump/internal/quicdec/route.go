package quicdec

import (
	"net/netip"
	"slices"
)

// find is the connection of a packet from src to dst with that destination connection id. A
// connection id found under other addresses counts: the connection may have moved.
func (d *Decoder) find(src, dst netip.AddrPort, cid []byte) (target, bool) {
	if to, ok := d.routes[route{src, dst, string(cid)}]; ok {
		return to, true
	}
	if len(cid) == 0 {
		return target{}, false
	}
	to, ok := d.anyPath[string(cid)]
	return to, ok
}

// findShort finds the connection of a short header packet, whose header does not tell how long
// the connection id is.
func (d *Decoder) findShort(src, dst netip.AddrPort, b []byte) (target, int, bool) {
	for _, n := range d.lengths[[2]netip.AddrPort{src, dst}] {
		if len(b) <= n {
			continue
		}
		if to, ok := d.routes[route{src, dst, string(b[1 : 1+n])}]; ok {
			return to, n, true
		}
	}
	for n := min(maxCID, len(b)-1); n >= 4; n-- {
		if to, ok := d.anyPath[string(b[1:1+n])]; ok {
			return to, n, true
		}
	}
	return target{}, 0, false
}

// reach notes that an authentic packet came to cid from src to dst.
func (d *Decoder) reach(c *Conn, dir Dir, src, dst netip.AddrPort, cid []byte) {
	if _, ok := d.routes[route{src, dst, string(cid)}]; ok {
		return
	}
	d.learnPath(c, dir, src, dst, cid)
	// The other end answers on the new path, to connection ids of the old one.
	for _, r := range slices.Clone(c.routes) {
		if to := d.routes[r]; to.conn == c && to.dir == dir.Other() {
			d.learnPath(c, dir.Other(), dst, src, []byte(r.cid))
		}
	}
}

// learn notes a connection id that packets in direction dir may carry, on the first path.
func (d *Decoder) learn(c *Conn, dir Dir, cid []byte) {
	if len(cid) > maxCID {
		return
	}
	src, dst := c.Client, c.Server
	if dir == ServerToClient {
		src, dst = dst, src
	}
	d.learnPath(c, dir, src, dst, cid)
}

func (d *Decoder) learnPath(c *Conn, dir Dir, src, dst netip.AddrPort, cid []byte) {
	r := route{src, dst, string(cid)}
	if d.routes[r].conn == c || len(c.routes) >= maxRoutes {
		return
	}
	c.routes = append(c.routes, r)
	d.routes[r] = target{c, dir}
	if len(cid) >= 4 {
		d.anyPath[r.cid] = target{c, dir}
	}
	path := [2]netip.AddrPort{src, dst}
	d.newest[path] = target{c, dir}
	d.lengths[path] = addLength(d.lengths[path], len(cid))
	c.dirs[dir].lengths = addLength(c.dirs[dir].lengths, len(cid))
}

// addLength keeps a set of lengths, longest first.
func addLength(lens []int, n int) []int {
	if slices.Contains(lens, n) {
		return lens
	}
	lens = append(lens, n)
	slices.Sort(lens)
	slices.Reverse(lens)
	return lens
}

// unlearn drops every way to a connection.
func (d *Decoder) unlearn(c *Conn) {
	for _, r := range c.routes {
		if d.routes[r].conn == c {
			delete(d.routes, r)
		}
		if d.anyPath[r.cid].conn == c {
			delete(d.anyPath, r.cid)
		}
		path := [2]netip.AddrPort{r.src, r.dst}
		if d.newest[path].conn == c {
			delete(d.newest, path)
			delete(d.lengths, path)
		}
	}
}
