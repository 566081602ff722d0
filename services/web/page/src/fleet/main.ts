import { mount } from 'svelte'
import '../app.css'
import Fleet from './Fleet.svelte'

const target = document.getElementById('app')
if (target) mount(Fleet, { target })
