package contact

import (
	"maps"
	"slices"

	"ramal/internal/id"
)

// clone copies a state so that no map or slice is shared.
func clone(s State) State {
	s.Identifiers, s.Orders, s.Ended = slices.Clone(s.Identifiers), slices.Clone(s.Orders), slices.Clone(s.Ended)
	s.Profile, s.Involved, s.Lines = cloneProfile(s.Profile), maps.Clone(s.Involved), maps.Clone(s.Lines)
	if s.Active != nil {
		a := *s.Active
		s.Active = &a
	}
	for line, l := range s.Lines {
		l.Requests, l.Connected = slices.Clone(l.Requests), slices.Clone(l.Connected)
		if l.Meta != nil {
			m := cloneLimits(*l.Meta)
			l.Meta = &m
		}
		s.Lines[line] = l
	}
	return s
}

func cloneProfile(p Profile) Profile {
	p.Tags = slices.Clone(p.Tags)
	return p
}

func cloneLimits(m MetaLimits) MetaLimits {
	m.StartCall, m.Request = slices.Clone(m.StartCall), slices.Clone(m.Request)
	return m
}

func sameProfile(a, b Profile) bool {
	return a.Name == b.Name && a.Phone == b.Phone && a.Status == b.Status && slices.Equal(a.Tags, b.Tags) && a.OrderNo == b.OrderNo &&
		a.QuoteCents == b.QuoteCents && a.Assigned == b.Assigned && a.AssignedAt.Equal(b.AssignedAt)
}

func sameLimits(a, b MetaLimits) bool {
	return slices.Equal(a.StartCall, b.StartCall) && slices.Equal(a.Request, b.Request) && a.CanCall == b.CanCall && a.CanRequest == b.CanRequest &&
		a.FetchedAt.Equal(b.FetchedAt)
}

func sortedLines(s State) []id.Line { return slices.Sorted(maps.Keys(s.Lines)) }
