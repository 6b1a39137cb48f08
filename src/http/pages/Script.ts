/**
 * The search of a reference page: hides every part that lacks one of the words, and its entry in the contents, until a
 * link leads to it. Without the script the whole page is shown, and the browser's own search works.
 */
export const searching = `
if(document.querySelector("nav.contents")){
const field=document.querySelector("#words"),found=document.querySelector("#found"),entries=[...document.querySelectorAll("nav.contents a")]
const partOf=(link)=>document.getElementById(link.hash.slice(1))
const search=()=>{const words=field.value.toLowerCase().split(/\\s+/).filter(Boolean);let shown=0
for(const entry of entries){const part=partOf(entry),hit=words.every((word)=>part.textContent.toLowerCase().includes(word));part.hidden=entry.parentNode.hidden=!hit;if(hit)shown++}
found.textContent=words.length>0?shown+" of "+entries.length+" parts have "+(words.length>1?"all of these words.":"this word."):""}
document.querySelector("#search").hidden=false
field.addEventListener("input",search)
document.addEventListener("click",({target})=>{const link=target.closest('a[href^="#"]');if(link&&partOf(link)?.hidden){field.value="";search()}})}
`

/**
 * The search of the index: hides the operations that lack one of the words, and the subjects that have none left. Hyphens
 * don't count.
 */
export const finding = `
const rows=[...document.querySelectorAll("[data-words]")]
if(rows.length>0){const box=document.querySelector("#words"),said=document.querySelector("#found")
const find=()=>{const words=box.value.toLowerCase().replaceAll("-","").split(/\\s+/).filter(Boolean);let shown=0
for(const row of rows){row.hidden=!words.every((word)=>row.dataset.words.includes(word));if(!row.hidden)shown++}
for(const group of document.querySelectorAll("[data-group]"))group.hidden=!group.querySelector("[data-words]:not([hidden])")
said.textContent=words.length>0?shown+" of "+rows.length+" operations have "+(words.length>1?"all of these words.":"this word."):""}
document.querySelector("#search").hidden=false
box.addEventListener("input",find)
addEventListener("hashchange",()=>{const row=document.getElementById(location.hash.slice(1));if(row?.hidden){box.value="";find();row.scrollIntoView()}})}
`

/** Sends the request of an operation with the session of the browser, and shows what is answered. */
export const trying = `
for(const form of document.querySelectorAll("form.try")){form.hidden=false
form.addEventListener("submit",async(event)=>{event.preventDefault();event.stopPropagation()
const answer=form.querySelector(".answer"),button=form.querySelector("button"),query=new URLSearchParams(),headers={},body=form.querySelector("textarea")
let path=form.dataset.path
for(const {dataset,name,value} of form.querySelectorAll("input")){if(dataset.in==="path")path=path.replace("{"+name+"}",()=>encodeURIComponent(value))
else if(value!=="")dataset.in==="query"?query.set(name,value):headers[name]=value}
if(body)headers["content-type"]=body.dataset.type
button.disabled=true
try{const sent=await fetch(path+(query.size>0?"?"+query:""),{method:form.dataset.method,headers:{accept:"application/json",...headers},...(body?{body:body.value}:{})})
const text=await sent.text();let shown=text;try{shown=JSON.stringify(JSON.parse(text),null,2)}catch{}
answer.textContent=sent.status+"\\n"+shown}catch(error){answer.textContent=String(error)}
button.disabled=false})}
`

/**
 * Follows a roll-out that is under way: the numbers of the page change as they come, and where it begins another wave, pauses or ends,
 * the page is loaded anew, unless somebody fills in a form or has sent one. Without the script the page reloads by itself.
 */
export const followingRollouts = `
const roll=document.querySelector("[data-rollout]")
if(roll&&"EventSource"in window){const updates=new EventSource(roll.dataset.rollout)
addEventListener("pagehide",()=>updates.close())
updates.addEventListener("status",({data})=>{const now=JSON.parse(data)
for(const one of roll.querySelectorAll("[data-of]"))one.textContent=one.dataset.of.split(".").reduce((at,key)=>at?.[key],now)
roll.querySelector("progress").value=now.organizations-now.open
if(now.state+" "+now.wave!==roll.dataset.now&&!leaving&&!document.activeElement?.matches("input,select,textarea")){updates.close();location.reload()}})}
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
