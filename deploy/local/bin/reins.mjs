#!/usr/bin/env node
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runWithNode } from '../../../scripts/with-node.mjs'

const main = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts')
runWithNode([main, ...process.argv.slice(2)])
