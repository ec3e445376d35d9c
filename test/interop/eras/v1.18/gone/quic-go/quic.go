// Package quic stands in for a release of quic-go that panics when it is loaded by any Go of today. No test speaks QUIC;
// go-micro's own quic transport only has to compile.
package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

var errGone = errors.New("quic is left out of this build")

type Config struct {
	KeepAlive   bool
	IdleTimeout time.Duration
}

type Stream interface {
	io.ReadWriteCloser
	SetWriteDeadline(time.Time) error
}

type Session interface {
	OpenStreamSync(context.Context) (Stream, error)
	AcceptStream(context.Context) (Stream, error)
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	Close() error
}

type Listener interface {
	Addr() net.Addr
	Accept(context.Context) (Session, error)
	Close() error
}

func DialAddr(string, *tls.Config, *Config) (Session, error)    { return nil, errGone }
func ListenAddr(string, *tls.Config, *Config) (Listener, error) { return nil, errGone }
