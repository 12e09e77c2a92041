package media

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLoggers hands the WebRTC library's own log lines to slog, at debug level whatever it thinks of them: what
// matters to a call comes as a Fact.
type pionLoggers struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (p pionLoggers) NewLogger(scope string) logging.LeveledLogger {
	return pionLogger{p.log.With("scope", scope)}
}

type pionLogger struct{ log *slog.Logger }

func (p pionLogger) say(level, msg string) { p.log.Debug(msg, "pion_level", level) }

func (pionLogger) Trace(string)                        {}
func (pionLogger) Tracef(string, ...any)               {}
func (pionLogger) Debug(string)                        {}
func (pionLogger) Debugf(string, ...any)               {}
func (pionLogger) Info(string)                         {}
func (pionLogger) Infof(string, ...any)                {}
func (p pionLogger) Warn(msg string)                   { p.say("warn", msg) }
func (p pionLogger) Warnf(format string, args ...any)  { p.say("warn", fmt.Sprintf(format, args...)) }
func (p pionLogger) Error(msg string)                  { p.say("error", msg) }
func (p pionLogger) Errorf(format string, args ...any) { p.say("error", fmt.Sprintf(format, args...)) }
