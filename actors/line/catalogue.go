package line

import "ramal/actors/core"

// catalogue holds the zero value of every command; a test finds one that is missing.
var catalogue = core.NewCatalogue[Command]("line", CommandName,
	Create{}, SaveSettings{}, SettingsPushed{}, SettingsPushFailed{}, MetaReported{}, AdmitCall{}, RenewCall{},
	CallGone{}, Wake{},
)

// CommandName returns the stable name of a command, such as "admit_call".
func CommandName(cmd Command) string { return cmd.commandName() }

// CommandByName returns the zero value of the command of that name.
func CommandByName(name string) (Command, bool) { return catalogue.ByName(name) }

// DecodeCommand reads the JSON of the command of that name. Fault: Invalid "unknown_command" or "malformed_command".
func DecodeCommand(name string, data []byte) (Command, error) { return catalogue.Decode(name, data) }
