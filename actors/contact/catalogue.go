package contact

import "ramal/actors/core"

// catalogue holds the zero value of every command; a test finds one that is missing.
var catalogue = core.NewCatalogue[Command]("contact", CommandName,
	Create{}, Edit{}, AddIdentifiers{}, RecordOrder{}, RequestPermission{}, RequestSent{}, RequestFailed{},
	PermissionReplied{}, PermissionSynced{}, ReserveCall{}, ReleaseCall{}, CallArrived{}, CallConnected{}, CallEnded{},
	RenewCall{}, MessageReceived{}, MessageSent{}, Wake{},
)

// CommandName returns the stable name of a command, such as "reserve_call".
func CommandName(cmd Command) string { return cmd.commandName() }

// CommandByName returns the zero value of the command of that name.
func CommandByName(name string) (Command, bool) { return catalogue.ByName(name) }

// DecodeCommand reads the JSON of the command of that name. Fault: Invalid "unknown_command" or "malformed_command".
func DecodeCommand(name string, data []byte) (Command, error) { return catalogue.Decode(name, data) }
