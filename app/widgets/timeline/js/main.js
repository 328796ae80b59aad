const life = lifeOf("timeline");
const work = new Work(element.querySelector("[data-part=root]"), server, trigger, life);
watch("value", () => work.setWho(props.value));
work.setWho(props.value);
