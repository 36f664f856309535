// Command copse runs a server.
package main

func main() {}
