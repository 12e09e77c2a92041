package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"ramal/cluster"
	"ramal/internal/config"
)

// clusterTLS reads the certificates with which nodes prove themselves to one another; nil where none are configured.
func clusterTLS(cfg config.Config) (*cluster.TLS, error) {
	if cfg.Cluster.TLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(cfg.Cluster.TLSCert, cfg.Cluster.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("cluster.tls_cert and tls_key: %w", err)
	}
	pem, err := os.ReadFile(cfg.Cluster.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("cluster.tls_ca: %w", err)
	}
	nodes := x509.NewCertPool()
	if !nodes.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("cluster.tls_ca: %s holds no certificate", cfg.Cluster.TLSCA)
	}
	return &cluster.TLS{
		Server: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: nodes,
		},
		Client: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, RootCAs: nodes},
	}, nil
}
