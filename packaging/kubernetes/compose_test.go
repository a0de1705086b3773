package kubernetes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func compose(t *testing.T, text []byte) (*types.Project, error) {
	t.Helper()
	details := types.ConfigDetails{WorkingDir: "/srv/fail2ban", ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}}}
	return loader.LoadWithContext(t.Context(), details, func(o *loader.Options) {
		o.SetProjectName("fail2ban", true)
		o.Profiles = []string{"*"}
	})
}

// The compose file holds to its schema, and to what its comments say.
func TestCompose(t *testing.T) {
	text := read(t, "../container/compose.yaml")
	project, err := compose(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compose(t, []byte(strings.Replace(string(text), "read_only:", "readonly:", 1))); err == nil {
		t.Error("the schema lets a key through that it does not know")
	}
	edgeban, fail2ban := project.Services["edgeban"], project.Services["fail2ban"]
	check(t, "read_only", edgeban.ReadOnly, true)
	check(t, "user", edgeban.User, "0:0")
	check(t, "cap_drop", strings.Join(edgeban.CapDrop, ","), "ALL")
	check(t, "cap_add", len(edgeban.CapAdd), 0)
	check(t, "privileged", edgeban.Privileged, false)
	check(t, "network_mode", edgeban.NetworkMode, "host")
	check(t, "restart", edgeban.Restart, "")
	if !slices.Equal(edgeban.Profiles, []string{"run"}) || len(fail2ban.Profiles) > 0 {
		t.Error("up starts edgeban, or not Fail2Ban")
	}
	mounts := map[string]types.ServiceVolumeConfig{}
	for _, v := range edgeban.Volumes {
		mounts[v.Target] = v
	}
	check(t, "mounts", len(mounts), 2)
	check(t, "the database's directory", mounts["/fail2ban"].Source, "/srv/fail2ban/fail2ban/db")
	check(t, "a mount that is read only", mounts["/fail2ban"].ReadOnly, true)
	check(t, "the kind of the state", mounts["/var/lib/edgeban"].Type, types.VolumeTypeVolume)
	check(t, "the database", pointed(edgeban.Environment["EDGEBAN_FAIL2BAN_DB"]), "/fail2ban/fail2ban.sqlite3")
	check(t, "an owner", pointed(edgeban.Environment["EDGEBAN_OWNER"]), "host-1")
	check(t, "the token's file", edgeban.Secrets[0].Target, "/etc/edgeban/token")
	for name := range edgeban.Environment {
		if strings.Contains(name, "TOKEN") || strings.Contains(name, "KEY") {
			t.Errorf("a secret in the environment: %s", name)
		}
	}
}
