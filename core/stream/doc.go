// Package stream is the one live connection of a browser tab: a WebSocket that
// carries many subscriptions, each a GET request that runs in this process
// through the same handlers as any other, as the same person, under credit that
// the tab gives.
//
//	tab:  {"type":"open","id":1,"path":"/clusters/local/api/v1/namespaces/demo/pods?watch=true","accept":"application/json","credit":65536}
//	      {"type":"credit","id":1,"bytes":32768}
//	      {"type":"close","id":1}
//	core: {"type":"head","id":1,"status":200,"contentType":"application/json"}
//	      {"type":"data","id":1,"text":"..."}
//	      {"type":"end","id":1,"problem":{...}}
//
// Credit counts the UTF-8 bytes of text; a message never splits a character. A
// subscription without credit writes nothing and reads nothing further: the
// slow reader of one holds up only what it reads, back to where it comes from.
// A refused request is a head with its status, its body as data, and an end;
// the problem of an end says that the connection could not finish an answer.
//
// What belongs here: the protocol, its limits, and the life of connections.
// What does not: routes, rights and what is answered; the handler that server
// gives knows those.
package stream
