module github.com/lucas-clemente/quic-go
