// `node --import` of this before Flue's server: that listens on every address and has no setting for it.
import net from 'node:net'

const listen = net.Server.prototype.listen as (this: net.Server, ...args: readonly unknown[]) => net.Server

net.Server.prototype.listen = function (this: net.Server, port: unknown, _: unknown, ...rest: readonly unknown[]) {
  return listen.call(this, port, '127.0.0.1', ...rest)
} as net.Server['listen']
