/**
 * What only makes the pages smoother: a form that is sent has its buttons off until the page is left, and is whole again where
 * the page comes back; a page that waits for a message from a phone looks whether it has come.
 */
export const script = `
addEventListener("submit",({target})=>setTimeout(()=>{for(const b of target.querySelectorAll("button"))b.disabled=true}))
addEventListener("pageshow",()=>{for(const b of document.querySelectorAll("form button"))b.disabled=false})
const wait=document.querySelector("[data-watch]")
if(wait){let before
const look=async()=>{if(!document.hidden)try{const a=await fetch(wait.dataset.watch,{headers:{accept:"application/json"}})
if(a.ok){const now=await a.text();if(before!==undefined&&now!==before)return location.reload();before=now}
else if(a.status===401)return}catch{}
setTimeout(look,2500)}
look()}
`
