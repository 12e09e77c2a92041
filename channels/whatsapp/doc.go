// Package whatsapp speaks to Meta's WhatsApp Business Cloud API about calls and the messages around them.
//
// It has three parts that share no state:
//
//   - Client sends: the Graph API for one business phone number. A provider that repeats Meta's API
//     (a BSP, a simulator) takes Meta's place through Config.BaseURL, Version and AuthHeader.
//   - ParseWebhook, SplitWebhook and VerifySignature read what Meta sends: pure functions of bytes.
//   - Error and its code table give each of Meta's numbers a fault.Kind and a stable word.
//
// It is not a state machine: it decides nothing about permissions, limits or calls, keeps no memory between
// two requests and starts no goroutine. A Client is immutable after New and safe for concurrent use.
//
// Two invariants. A request whose outcome is not known (sent, no readable answer) comes back as
// fault.Unknown and is never sent again by itself; in a webhook one malformed element never costs its siblings.
package whatsapp
