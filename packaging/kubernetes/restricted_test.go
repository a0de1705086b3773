package kubernetes_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// A namespace that admits only pods of the standard "restricted" admits this one. The twin: it would not, with any of this missing.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
func TestRestricted(t *testing.T) {
	standard, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	refusal := func(spoil func(*batchv1.CronJob)) string {
		job := decode[batchv1.CronJob](t, built(t)["CronJob"])
		spoil(&job)
		pod := job.Spec.JobTemplate.Spec.Template
		verdict := policy.AggregateCheckResults(standard.EvaluatePod(
			api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
		if verdict.Allowed {
			return ""
		}
		return verdict.ForbiddenDetail()
	}
	if why := refusal(func(*batchv1.CronJob) {}); why != "" {
		t.Error(why)
	}
	for what, spoil := range map[string]func(*batchv1.CronJob){
		"a pod without a security context":       func(j *batchv1.CronJob) { j.Spec.JobTemplate.Spec.Template.Spec.SecurityContext = nil },
		"a container without a security context": func(j *batchv1.CronJob) { j.Spec.JobTemplate.Spec.Template.Spec.Containers[0].SecurityContext = nil },
		"a pod in the host's network":            func(j *batchv1.CronJob) { j.Spec.JobTemplate.Spec.Template.Spec.HostNetwork = true },
	} {
		if refusal(spoil) == "" {
			t.Errorf("nobody refuses %s", what)
		}
	}
}
