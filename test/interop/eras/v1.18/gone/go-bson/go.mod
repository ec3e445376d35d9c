module github.com/asim/go-bson
