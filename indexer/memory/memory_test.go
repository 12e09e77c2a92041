package memory

import (
	"testing"

	"ramal/indexer"
	"ramal/indexer/indextest"
)

func TestEngine(t *testing.T) {
	indextest.Run(t, func(*testing.T) indexer.Engine { return New() })
}
