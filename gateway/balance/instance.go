package balance

// A sidecar may be found by several addresses: an A and an AAAA record, two names.
// It is one all the same: where it has no room at one address it has none at the
// other, and a request that leaves it has to find another server. What it says of
// itself tells: an id that is random for each start. One that says none, as those of
// older releases, counts by its address.

// longestInstance is over the longest id that is taken for one.
const longestInstance = 128

// same says that two addresses are known to lead to one sidecar. It is called with
// the pool's lock held.
func (s *Sidecar) same(other *Sidecar) bool {
	return s == other || s.standing.instance != "" && s.standing.instance == other.standing.instance
}

// busy is how many requests a sidecar has, and when it was chosen last, by whatever
// address. It is called with the lock held.
func (p *Pool) busy(s *Sidecar) (inFlight int, chosen uint64) {
	for _, one := range p.sidecars {
		if one.same(s) {
			inFlight += one.inFlight
			chosen = max(chosen, one.chosen)
		}
	}
	return inFlight, chosen
}

// addressesOf are s, on the list or not, and those that lead to the same sidecar.
func (p *Pool) addressesOf(s *Sidecar) []*Sidecar {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []*Sidecar{s}
	for _, one := range p.sidecars {
		if one != s && one.same(s) {
			all = append(all, one)
		}
	}
	return all
}

// avoided says that a sidecar is left out, by whatever address.
func avoided(s *Sidecar, not map[*Sidecar]bool) bool {
	for other := range not {
		if other.same(s) {
			return true
		}
	}
	return false
}
