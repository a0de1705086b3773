package fail2ban

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkRead100k reads 100 000 bips that lie scattered among 300 000 rows of history, 800 bytes of log lines in each: a
// file of 440 MB. Where the sqlite3 shell is installed it runs the same query on the same file, turn by turn, so
// that other work on the machine burdens both alike; "x-shell" is the ratio of the fastest of each.
func BenchmarkRead100k(b *testing.B) {
	path := buildLarge(b)
	shell, _ := exec.LookPath("sqlite3")
	var best, bestOfShell time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if got := mustRead(b, New(path, Options{}), fixtureNow()); len(got.Bans) != 100_000 {
			b.Fatalf("got %d bans", len(got.Bans))
		}
		best = faster(best, time.Since(start))
		if shell != "" {
			b.StopTimer()
			bestOfShell = faster(bestOfShell, shellTime(b, shell, path))
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(best.Milliseconds()), "best-ms")
	if shell != "" {
		b.ReportMetric(float64(bestOfShell.Milliseconds()), "shell-ms")
		b.ReportMetric(float64(best)/float64(bestOfShell), "x-shell")
	}
}

func faster(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// shellTime includes the start of the process; its output goes to the null device.
func shellTime(b *testing.B, shell, path string) time.Duration {
	start := time.Now()
	if err := exec.Command(shell, fileURI(path)+"?mode=ro", bipsQuery).Run(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func buildLarge(b *testing.B) string {
	statements := append(schema4(), `DELETE FROM bips`, `INSERT INTO jails VALUES('recidive', 1), ('nginx-http-auth', 1), ('postfix', 1)`,
		`CREATE INDEX bans_ip ON bans(ip)`, `CREATE INDEX bips_timeofban ON bips(timeofban)`, `CREATE INDEX bips_ip ON bips(ip)`)
	statements = append([]string{`PRAGMA journal_mode = OFF`, `PRAGMA synchronous = OFF`, `BEGIN`}, statements...)
	const columns = `SELECT printf('%%d.%%d.%%d.%%d', 1 + i / 65536, i / 256 %% 256, i %% 256, i * 7 %% 256) AS ip,
		CASE i %% 4 WHEN 0 THEN 'sshd' WHEN 1 THEN 'recidive' WHEN 2 THEN 'nginx-http-auth' ELSE 'postfix' END AS jail,
		1795211472 + i AS timeofban, iif(i %% 5, 600, 600.5) AS bantime, 1 AS bancount, zeroblob(800) AS data
		FROM (WITH RECURSIVE n(i) AS (SELECT %[1]d UNION ALL SELECT i + 1 FROM n WHERE i < %[2]d - 1) SELECT i FROM n)`
	const chunks = 100
	for i := range chunks {
		bips := fmt.Sprintf(columns, i*1000, (i+1)*1000)
		bans := fmt.Sprintf(columns, i*3000, (i+1)*3000)
		statements = append(statements,
			`INSERT INTO bips(ip, jail, timeofban, bantime, bancount, data) `+bips,
			`INSERT INTO bans(ip, jail, timeofban, bantime, bancount, data) `+bans)
	}
	return build(b, filepath.Join(b.TempDir(), "large"), append(statements, `COMMIT`)...)
}
