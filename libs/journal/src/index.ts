export {
  type Broker,
  type BrokerOptions,
  connectBroker,
  makeHeaders,
  type RequestOptions,
  type RequestOutcome,
} from './broker.ts'
export * from './port.ts'
export { callService, type Handler, serveRequests } from './requests.ts'
