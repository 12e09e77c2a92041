package line

import (
	"encoding/json"
	"reflect"

	"ramal/internal/fault"
)

// catalogue holds the zero value of every command; a test finds one that is missing.
func catalogue() []Command {
	return []Command{
		Create{}, SaveSettings{}, SettingsPushed{}, SettingsPushFailed{}, MetaReported{}, AdmitCall{}, RenewCall{},
		CallGone{}, Wake{},
	}
}

// CommandName returns the stable name of a command, such as "admit_call".
func CommandName(cmd Command) string { return cmd.commandName() }

// CommandByName returns the zero value of the command of that name.
func CommandByName(name string) (Command, bool) {
	for _, c := range catalogue() {
		if c.commandName() == name {
			return c, true
		}
	}
	return nil, false
}

// DecodeCommand reads the JSON of the command of that name. Fault: Invalid "unknown_command" or "malformed_command".
func DecodeCommand(name string, data []byte) (Command, error) {
	zero, ok := CommandByName(name)
	if !ok {
		return nil, fault.Newf(fault.Invalid, "line.decode", "unknown_command", "there is no command %q", name)
	}
	into := reflect.New(reflect.TypeOf(zero))
	if err := json.Unmarshal(data, into.Interface()); err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "line.decode", Code: "malformed_command", Detail: name, Cause: err}
	}
	return into.Elem().Interface().(Command), nil // cannot fail: into points to the type of a Command
}
