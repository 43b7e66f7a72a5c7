package balance

// Report is one sidecar for metrics and the status.
type Report struct {
	Address string `json:"sidecar"`
	// Also are further addresses that lead to it.
	Also     []string `json:"also,omitempty"`
	Up       bool     `json:"up"` // an inference request for the model it looks after would be served
	State    string   `json:"state"`
	Reason   string   `json:"reason,omitempty"`
	InFlight int      `json:"in_flight"`
}

// Report tells how all sidecars stand, in the order in which they were found.
func (p *Pool) Report() []Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	reports := make([]Report, 0, len(p.sidecars))
	var told []*Sidecar // by whose standing each is reported
	for _, s := range p.sidecars {
		at := 0
		for at < len(told) && !told[at].same(s) {
			at++
		}
		if at == len(told) {
			told = append(told, s)
			reports = append(reports, s.report())
			continue
		}
		own, before := s.report(), reports[at]
		if own.Up && !before.Up || s.standing.reached && !told[at].standing.reached {
			told[at] = s
			before.Up, before.State, before.Reason = own.Up, own.State, own.Reason
		}
		before.InFlight += own.InFlight
		before.Also = append(before.Also, own.Address)
		reports[at] = before
	}
	return reports
}

func (s *Sidecar) report() Report {
	return Report{
		Address: s.Address, Up: s.standing.takes(s.standing.model),
		State: s.standing.describe(), Reason: s.standing.why(), InFlight: s.inFlight,
	}
}
