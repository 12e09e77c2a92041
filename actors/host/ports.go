package host

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/channels/whatsapp"
	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/id"
	"ramal/media"
	"ramal/store"
)

// Cluster is what the host needs of the cluster; *cluster.Node is one.
type Cluster interface {
	Request(ctx context.Context, kind string, who cluster.Identity, msg *wire.Envelope) (*wire.Envelope, error)
	RequestPID(ctx context.Context, to cluster.Address, msg *wire.Envelope) (*wire.Envelope, error)
	TellPID(to cluster.Address, msg *wire.Envelope) error
	Spawn(name string, props *actor.Props, accepts func(kind string) bool) (cluster.Address, error)
	System() *actor.ActorSystem
	ID() id.Node
	Members() []cluster.Member
	LeastLoaded() (cluster.Member, bool)
	OwnedBuckets() []int
	Subscribe(fn func(cluster.View)) (cancel func())
}

// Media opens conferences; *media.Engine is one.
type Media interface {
	Open(call id.Call, facts func(media.Fact)) *media.Conference
}

// Provider speaks to Meta, a BSP or a simulator for one line; *whatsapp.Client is one.
type Provider interface {
	Connect(ctx context.Context, to whatsapp.Recipient, sdp, opaque string) (string, error)
	PreAccept(ctx context.Context, callID, sdp string) error
	Accept(ctx context.Context, callID, sdp, opaque string) error
	Reject(ctx context.Context, callID string) error
	Terminate(ctx context.Context, callID string) error
	CallPermissions(ctx context.Context, who whatsapp.Recipient) (whatsapp.Permissions, error)
	UpdateSettings(ctx context.Context, s whatsapp.CallingSettings) error
	SendText(ctx context.Context, to whatsapp.Recipient, text string, o whatsapp.Options) (whatsapp.Sent, error)
	SendCallPermissionRequest(ctx context.Context, to whatsapp.Recipient, body string, o whatsapp.Options) (whatsapp.Sent, error)
	SendCallPermissionTemplate(ctx context.Context, to whatsapp.Recipient, name, language string, params []string, o whatsapp.Options) (whatsapp.Sent, error)
	SendCallButton(ctx context.Context, to whatsapp.Recipient, b whatsapp.CallButton, o whatsapp.Options) (whatsapp.Sent, error)
}

// Providers finds the provider of a line.
type Providers func(line store.LineRow) (Provider, error)

// Observer is told what operators count. Implementations must not block.
type Observer interface {
	// ModalShown is the time from the arrival of an inbound call's webhook to the modal on its way to an agent's sessions.
	ModalShown(d time.Duration)
	// AudioOpened is the time from an agent's accept to audio both ways.
	AudioOpened(d time.Duration)
	// CustomerRang is the time from an agent's dial to the provider's word that the phone rings.
	CustomerRang(d time.Duration)
	CallEnded(direction, reason, by string, talk time.Duration)
	// Webhook counts processed inbox items: result is done, dropped, failed or parked.
	Webhook(event, result string)
	// Unsaved counts calls that go on without their journal.
	Unsaved(delta int)
}
