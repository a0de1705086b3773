package reconcile

import "testing"

// TestStanding: what moves from access rules to a list lingers as long as if it had been there from the beginning.
func TestStanding(t *testing.T) {
	s := scene{bans: []string{"192.0.2.1 sshd -3h 1h", "192.0.2.2 sshd -3h 1h", "192.0.2.3 sshd -3h 1h", "192.0.2.4 sshd -3h 1h"}}
	allow := item("192.0.2.3 own 1h -2h fail2ban:sshd")
	allow.Effect = Allows
	view := s.view()
	view.StandingSince = view.Ownership.StandingSince(append(items(
		"192.0.2.1 own 1h3m -3h fail2ban:sshd", "192.0.2.2 created=-3h by hand", "192.0.2.4 peer 1h3m -3h fail2ban:sshd"), allow))
	plan := Diff(Desire(bans(s.bans...), s.policy(), view.Now), nil, view)
	for i, want := range []Tag{
		{Until: at("1h3m"), Seen: at("-3h")},
		{Until: at("4h3m"), Seen: at("0s")},
		{Until: at("4h3m"), Seen: at("0s")},
		{Until: at("4h3m"), Seen: at("0s")},
	} {
		want.Owner, want.Text = own, "fail2ban:sshd"
		tag, _ := ParseTag(plan.Add[i].Post.Comment)
		same(t, tag, want)
	}
}
