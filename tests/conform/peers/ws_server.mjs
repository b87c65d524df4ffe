// An echo server with ws (npm), with compression. Prints its port.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: true });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket.on("error", () => {}); // ws closes the connection by itself
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
