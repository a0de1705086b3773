// Package kubernetes_test holds the manifests against the Kubernetes API's own types, and the compose file against its schema. It is a module
// of its own, so that these large libraries are none of edgeban's.
package kubernetes_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// built is what "kustomize build" makes of the base, each object by its kind.
func built(t *testing.T) map[string][]byte {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), ".")
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string][]byte{}
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := objects[r.GetKind()]; twice {
			t.Errorf("more than one %s", r.GetKind())
		}
		objects[r.GetKind()] = text
	}
	return objects
}

// decode fails the test on a field that the API does not know, or a key that stands there twice.
func decode[T any](t *testing.T, text []byte) T {
	t.Helper()
	var object T
	if err := strictly(text, &object); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return object
}

// strictly decodes as the API server does, which tells upper from lower case; encoding/json would not.
func strictly(text []byte, object any) error {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(data, object)
	return errors.Join(append(strict, err)...)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// check fails the test where got is not want.
func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// pointed is what p points to; nothing is the zero value, which no check here wants.
func pointed[T any](p *T) T {
	if p == nil {
		p = new(T)
	}
	return *p
}

// The files hold no field that the API does not know, also before kustomize has read them. The twin: a slip of the pen is noticed.
func TestFilesAreStrict(t *testing.T) {
	decode[batchv1.CronJob](t, read(t, "cronjob.yaml"))
	decode[corev1.PersistentVolumeClaim](t, read(t, "state.yaml"))
	decode[corev1.Secret](t, read(t, "secret.yaml"))
	for right, wrong := range map[string]string{
		"concurrencyPolicy:":      "concurrencypolicy:",
		"readOnlyRootFilesystem:": "readOnlyRootFileSystem:",
		"backoffLimit: 0":         "backoffLimit: none",
		"      backoffLimit:":     "      backoffLimit: 0\n      backoffLimit:",
	} {
		text := string(read(t, "cronjob.yaml"))
		slip := strings.Replace(text, right, wrong, 1)
		if err := strictly([]byte(slip), &batchv1.CronJob{}); slip == text || err == nil {
			t.Errorf("nobody notices %q", wrong)
		}
	}
}

func TestBuild(t *testing.T) {
	objects := built(t)
	if len(objects) != 3 { // no Secret
		t.Errorf("kustomize builds %d objects: %v", len(objects), objects)
	}
	job := decode[batchv1.CronJob](t, objects["CronJob"])
	claim := decode[corev1.PersistentVolumeClaim](t, objects["PersistentVolumeClaim"])
	config := decode[corev1.ConfigMap](t, objects["ConfigMap"])
	secret := decode[corev1.Secret](t, read(t, "secret.yaml"))

	check(t, "the API's version", job.APIVersion, "batch/v1")
	check(t, "the configuration", config.Data["edgeban.toml"], string(read(t, "edgeban.toml")))
	check(t, "a volume's size", claim.Spec.Resources.Requests.Storage().String(), "16Mi")
	if want := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}; !slices.Equal(claim.Spec.AccessModes, want) {
		t.Errorf("access modes %v, want %v", claim.Spec.AccessModes, want)
	}

	pod := job.Spec.JobTemplate.Spec.Template.Spec
	for _, v := range pod.Volumes {
		switch v.Name {
		case "configuration":
			check(t, "the mode of a secret's files", pointed(v.Projected.DefaultMode), 0o440)
			check(t, "the configuration's name", v.Projected.Sources[0].ConfigMap.Name, config.Name) // with kustomize's hash
			check(t, "the secret's name", v.Projected.Sources[1].Secret.Name, secret.Name)
		case "state":
			check(t, "the state's claim", v.PersistentVolumeClaim.ClaimName, claim.Name)
		default:
			t.Errorf("a volume %s", v.Name)
		}
	}
	for _, key := range []string{"token", "crowdsec-key"} { // their names are those of the default files in /etc/edgeban
		if secret.StringData[key] == "" {
			t.Errorf("the secret has no %s", key)
		}
	}
}

func TestSchedule(t *testing.T) {
	job := decode[batchv1.CronJob](t, built(t)["CronJob"])
	spec, one := job.Spec, job.Spec.JobTemplate.Spec
	check(t, "schedule", spec.Schedule, "*/2 * * * *")
	check(t, "concurrencyPolicy", spec.ConcurrencyPolicy, batchv1.ForbidConcurrent)
	check(t, "startingDeadlineSeconds", pointed(spec.StartingDeadlineSeconds), 60)
	check(t, "successfulJobsHistoryLimit", pointed(spec.SuccessfulJobsHistoryLimit), 1)
	check(t, "failedJobsHistoryLimit", pointed(spec.FailedJobsHistoryLimit), 3)
	if one.BackoffLimit == nil || *one.BackoffLimit != 0 {
		t.Errorf("backoffLimit %v, want 0", one.BackoffLimit)
	}
	// Above the run's own deadline, the push and the pod's start; the default of timeout is in packaging/edgeban.toml.
	deadline := time.Duration(pointed(one.ActiveDeadlineSeconds)) * time.Second
	if own := 110 * time.Second; deadline < own+3*time.Second+time.Minute || deadline > 2*own {
		t.Errorf("activeDeadlineSeconds %v, and a run takes up to %v", deadline, own)
	}
	if !strings.Contains(string(read(t, "../edgeban.toml")), `#timeout = "110s"`) {
		t.Error("the default of timeout is no longer 110s")
	}
	check(t, "restartPolicy", one.Template.Spec.RestartPolicy, corev1.RestartPolicyNever)
}

func TestConfinement(t *testing.T) {
	pod := decode[batchv1.CronJob](t, built(t)["CronJob"]).Spec.JobTemplate.Spec.Template.Spec
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod gets a token of its service account")
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC || len(pod.InitContainers) > 0 || len(pod.Containers) != 1 {
		t.Error("the pod has more than it needs")
	}
	all := pointed(pod.SecurityContext)
	check(t, "runAsNonRoot", pointed(all.RunAsNonRoot), true)
	check(t, "runAsUser", pointed(all.RunAsUser), 65532)
	check(t, "runAsGroup", pointed(all.RunAsGroup), 65532)
	check(t, "fsGroup", pointed(all.FSGroup), 65532)
	check(t, "seccomp", pointed(all.SeccompProfile).Type, corev1.SeccompProfileTypeRuntimeDefault)

	c := pod.Containers[0]
	own := pointed(c.SecurityContext)
	check(t, "readOnlyRootFilesystem", pointed(own.ReadOnlyRootFilesystem), true)
	check(t, "privileged", pointed(own.Privileged), false)
	if own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation {
		t.Error("privileges may be escalated")
	}
	if drop := pointed(own.Capabilities).Drop; !slices.Equal(drop, []corev1.Capability{"ALL"}) || len(own.Capabilities.Add) > 0 {
		t.Errorf("capabilities: %v", own.Capabilities)
	}
	check(t, "memory requested", c.Resources.Requests.Memory().String(), "32Mi")
	check(t, "memory allowed", c.Resources.Limits.Memory().String(), "256Mi")
	check(t, "processor requested", c.Resources.Requests.Cpu().String(), "10m")
	check(t, "processor allowed", c.Resources.Limits.Cpu().String(), "0") // none is set
	check(t, "arguments", strings.Join(c.Args, " "), "sync --log-format=json")
	check(t, "a command of its own", len(c.Command), 0) // the image's
	check(t, "variables", len(c.Env)+len(c.EnvFrom), 0)
	writable := map[string]bool{}
	for _, m := range c.VolumeMounts {
		writable[m.MountPath] = !m.ReadOnly
	}
	if w, ok := writable["/etc/edgeban"]; !ok || w {
		t.Error("the configuration is not mounted, or may be written")
	}
	if !writable["/var/lib/edgeban"] {
		t.Error("the state may not be written")
	}
	check(t, "mounts", len(writable), 2)
}

// The program itself takes the configuration, once the account is filled in, with the files of the secret beside it. The twin: without
// the account it says so.
func TestConfiguration(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "edgeban")
	build := exec.Command("go", "build", "-C", "../..", "-o", program, "./cmd/edgeban")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	text := string(read(t, "edgeban.toml"))
	filled := strings.Replace(text, `account = ""`, `account = "`+strings.Repeat("0a", 16)+`"`, 1)
	filled = strings.Replace(filled, "#pushgateway-url", "pushgateway-url", 1)
	for name, tt := range map[string]struct{ text, want string }{
		"as it is":   {text, "the Cloudflare account is not set"},
		"filled in":  {filled, "owner cluster-1 "}, // a pod has no machine id to make one of
		"misspelled": {filled + "\ncrowdsec-uri = \"\"\n", "crowdsec-uri"},
	} {
		t.Run(name, func(t *testing.T) {
			for file, content := range map[string]string{"edgeban.toml": tt.text, "token": "placeholder-token", "crowdsec-key": "placeholder-key"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(program, "config")
			if name == "as it is" { // config shows what there is; a run needs the account
				cmd = exec.Command(program, "diff")
			}
			cmd.Env = []string{"EDGEBAN_CONFIG=" + dir + "/edgeban.toml", "EDGEBAN_TOKEN_FILE=" + dir + "/token",
				"EDGEBAN_CROWDSEC_KEY_FILE=" + dir + "/crowdsec-key", "EDGEBAN_STATE_DIR=" + dir + "/state"}
			said, err := cmd.CombinedOutput()
			if (err == nil) != (name == "filled in") || !strings.Contains(strings.Join(strings.Fields(string(said)), " "), tt.want) {
				t.Errorf("%v, want %q in:\n%s", err, tt.want, said)
			}
		})
	}
}
