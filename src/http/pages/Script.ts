/**
 * The search of a reference page: hides every part that lacks one of the words, and its entry in the contents, until a
 * link leads to it. Without the script the whole page is shown, and the browser's own search works.
 */
export const searching = `
const field=document.querySelector("#words"),found=document.querySelector("#found"),entries=[...document.querySelectorAll("nav.contents a")]
const partOf=(link)=>document.getElementById(link.hash.slice(1))
const search=()=>{const words=field.value.toLowerCase().split(/\\s+/).filter(Boolean);let shown=0
for(const entry of entries){const part=partOf(entry),hit=words.every((word)=>part.textContent.toLowerCase().includes(word));part.hidden=entry.parentNode.hidden=!hit;if(hit)shown++}
found.textContent=words.length>0?shown+" of "+entries.length+" parts have "+(words.length>1?"all of these words.":"this word."):""}
document.querySelector("#search").hidden=false
field.addEventListener("input",search)
document.addEventListener("click",({target})=>{const link=target.closest('a[href^="#"]');if(link&&partOf(link)?.hidden){field.value="";search()}})
`

/**
 * Follows a roll-out that is under way: the numbers of the page change as they come, and where it begins another wave, pauses or ends,
 * the page is loaded anew, unless somebody fills in a form. Without the script the page reloads by itself.
 */
export const followingRollouts = `
const roll=document.querySelector("[data-rollout]")
if(roll&&"EventSource"in window){const told=new EventSource(roll.dataset.rollout)
addEventListener("pagehide",()=>told.close())
told.addEventListener("status",({data})=>{const now=JSON.parse(data)
for(const one of roll.querySelectorAll("[data-of]"))one.textContent=one.dataset.of.split(".").reduce((at,key)=>at?.[key],now)
roll.querySelector("progress").value=now.organizations-now.open
if(now.state+" "+now.wave!==roll.dataset.now&&!document.activeElement?.matches("input,select,textarea")){told.close();location.reload()}})}
`

/**
 * What makes the pages smoother: the buttons of a form are disabled once it is sent, and enabled again if the page is
 * shown again; a page that waits for a message from a phone polls for it, and does not reload while somebody fills in
 * or sends a form.
 */
export const script = `
let leaving=false
addEventListener("submit",({target})=>{leaving=true;setTimeout(()=>{for(const b of target.querySelectorAll("button"))b.disabled=true})})
addEventListener("pageshow",()=>{leaving=false;for(const b of document.querySelectorAll("form button"))b.disabled=false})
const wait=document.querySelector("[data-watch]")
if(wait){let before
const look=async()=>{if(!document.hidden)try{const a=await fetch(wait.dataset.watch,{headers:{accept:"application/json"}})
if(a.ok){const now=await a.text();if(before!==undefined&&now!==before){if(!leaving&&!document.activeElement?.matches("input,select"))return location.reload()}else before=now}
else if(a.status===401)return}catch{}
setTimeout(look,2500)}
look()}
`
