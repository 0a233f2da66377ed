import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import './style/page.css'
import './style/frame.css'
import './style/thread.css'
import './style/asking.css'

import { answersReady } from './thread/answer-text.tsx'

const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
void answersReady()
