package fail2ban

import (
	"context"
	"time"
)

// Facts is what a database tells about itself, for a look at the set-up.
type Facts struct {
	Schema int       // 2: Fail2Ban 0.9 and 0.10; 4: 0.11.1 and later
	Newest time.Time // when the youngest ban began that the database holds, ended ones included; zero: there is none
}

// Facts reads the database as Bans does, with the same errors.
func (s *Source) Facts(ctx context.Context) (Facts, error) {
	found, err := s.read(ctx)
	if err != nil {
		return Facts{}, err
	}
	facts := Facts{Schema: int(found.version)}
	for _, b := range found.bans {
		if b.Since.After(facts.Newest) {
			facts.Newest = b.Since
		}
	}
	return facts, nil
}
