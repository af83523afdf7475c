# SPDX-License-Identifier: Apache-2.0
"""Sentences built from parts: a verb, the phrase, a place and a reason.

The fixed templates of templates.py teach whole sentences; these widen the vocabulary, so that a
model learns what a verb or a reason means, not which sentence it stands in.  Slots as there.
VERBS end where the object begins; PLACES and REASONS may be left out; LOOSE are whole clauses.
"""

VERBS = {
    ("en", "add"): """add|put|place|include|insert|buy|purchase|order|get|get me|grab|fetch|bring|bring me|
reserve|book|pick up|ship|send|send me|deliver|supply|stick|pop|toss|load|slip|pack|keep|secure|
i'll buy|i'll have|i'll order|we'll take|we'd like|i would love|i could do with|we want|we are missing|i wish to order|
let me buy|let me order|please put|please get me|please bring|please buy|please include|
can you order|can you get|could i have|could we get|may i order|will you add|would you add|would you get|
go ahead and add|go ahead and order|be so kind as to add|i need you to buy|i am going to need|we have to buy|top up my order with|treat me to|
i'm ordering|i'm buying|adding|buying|ordering|
request|obtain|acquire|find me|hand me|pass me|set aside|hold|save|throw in|drop in|append|introduce|attach|give us|get us|bring us|buy us|sort me out with|i feel like|i'd be happy with|i'm looking for|we're after|we fancy|i'd appreciate|do add|just add|simply add|quickly add|now add|then add|double up on|refill""",
    ("en", "remove"): """remove|delete|drop|cancel|take out|take away|take off|erase|discard|ditch|dump|eliminate|exclude|
return|undo|strike|scrap|skip|omit|subtract|deduct|void|revoke|clear|lose|forget|forget about|get rid of|throw away|throw out|
pull|wipe|send back|give back|leave out|cross off|cross out|
i'll return|i'll cancel|i'll skip|we'll drop|we don't want|we don't need|i won't take|i won't need|i won't buy|i'm not buying|
i do not want|i do not need|i can do without|we can live without|let me cancel|let me remove|please delete|please drop|please discard|please take away|
can you remove|can you delete|can you cancel|could you drop|could you cancel|may i return|will you remove|would you remove|would you delete|
go ahead and remove|go ahead and cancel|be so kind as to remove|i need you to remove|no need for|do not send|do not order|
i'm returning|i'm cancelling|removing|returning|cancelling|
reject|abandon|retract|reverse|bin|trash|chuck out|toss out|kill|cut|cut out|reduce|decline|refuse|unselect|deselect|uncheck|detach|free me from|rid me of|stop the order of|do not include|do not bring|don't send|don't bring|don't include|don't order|just remove|simply delete|quickly remove|now remove|then delete|hold off on|never mind|i'm done with|i'm not keeping|we won't keep|i'd rather not have|i'd rather skip|i'd prefer to drop|i am giving up on|you can delete|you may remove|you can take out""",
    ("hr", "add"): """dodaj|dodajte|dodaj mi|stavi|stavite|stavi mi|ubaci|ubacite|ubaci mi|uzmi|uzmite|kupi|kupite|naruči|naručite|
nabavi|nabavite|nabavi mi|donesi|donesite|donesi mi|pošalji|pošaljite|pošalji mi|rezerviraj|rezervirajte|spremi|pripremi|uključi|uključite|
dopiši|upiši|upišite|zapiši|isporuči|isporučite|priloži|pribroji|nadodaj|osiguraj|pronađi mi|
naručujem|kupujem|uzimam|dodajem|stavljam|tražim|potrebujem|želimo|trebamo|hoćemo|uzet ćemo|kupit ću|kupit ćemo|naručit ću|naručit ćemo|
želim dodati|želim naručiti|želim staviti|moram kupiti|moramo kupiti|trebalo bi kupiti|mogu li dobiti|mogu li naručiti|možete li mi poslati|
hoćeš li dodati|hoćeš mi kupiti|bi li mi dodao|budite ljubazni i dodajte|molila bih|zamolio bih|fali mi još i kupi|idemo uzeti|daj kupi|daj ubaci|daj dodaj|daj stavi|
zatraži|traži mi|nađi mi|dodijeli mi|priskrbi mi|dobavi|dobavite|nabavljam|osigurajte|ostavi mi sa strane|sačuvaj|povećaj za|udvostruči|nadopuni|napuni mi|samo dodaj|brzo dodaj|sad dodaj|onda dodaj|i dodaj|neka mi stigne|neka nam stigne|volio bih|voljela bih|rado bih kupila|rado bih naručio|baš bih|daj nam|donesi nam|kupi nam|pošaljite nam|zgrabi|pokupi|šalji|stavljaj|ubacuj|dodavaj""",
    ("hr", "remove"): """makni|maknite|makni mi|ukloni|uklonite|izbaci|izbacite|izbriši|izbrišite|obriši|obrišite|briši|otkaži|otkažite|
poništi|poništite|skini|skinite|vrati|vratite|odbaci|odbacite|storniraj|stornirajte|precrtaj|precrtajte|isključi|isključite|oduzmi|oduzmite|
povuci|povucite|izvadi|izvadite|izostavi|izostavite|preskoči|ispusti|baci|miči|
vraćam|brišem|izbacujem|mičem|otkazujem|uklanjam|poništavam|ne kupujem|ne uzimam|ne naručujem|ne treba nam|ne trebamo|ne želimo|nećemo|neću|ipak neću|
želim otkazati|želim izbaciti|želim vratiti|želim maknuti|moram otkazati|moram vratiti|moramo izbaciti|trebalo bi maknuti|mogu li otkazati|mogu li vratiti|možete li otkazati|
hoćeš li maknuti|bi li maknuo|budite ljubazni i uklonite|molila bih da maknete|zamolio bih da uklonite|nemoj kupiti|nemoj naručiti|nemojte slati|nemojte naručiti|nemoj stavljati|
daj makni|daj izbaci|daj izbriši|
odbij|odbijte|odustani od kupnje:|eliminiraj|križaj|prekriži|riješi me stavke:|oslobodi košaricu:|oslobodi me stavke:|smanji za|umanji za|zaboravi|zaboravi na|samo makni|brzo makni|sad izbaci|onda ukloni|i makni|ne šalji|ne šaljite|ne dodaj|ne stavljaj|ne uključuj|nemoj donositi|nemojte uključiti|ne bih|ne bih više|radije ne bih|radije bih preskočio|slobodno makni|slobodno izbaci|slobodno ukloni|možeš izbaciti|možeš obrisati|možete maknuti|više neću|više ne želim|više ne uzimam|prestani slati""",
    ("es", "add"): """añade|añada|añádeme|agrega|agregue|agrégame|pon|ponga|ponme|mete|méteme|suma|súmame|incluye|incluya|compra|compre|
pide|pida|encarga|encargue|reserva|reserve|trae|traiga|tráeme|consigue|consígueme|manda|mándame|envía|envíe|envíame|coge|toma|apunta|anota|carga|echa|
agarra|lleva|busca|dame también|
añado|compro|pido|encargo|cojo|me pido|me quedo con|llevamos|queremos|vamos a llevar|vamos a pedir|pienso comprar|voy a necesitar|compraré|pediré|
quiero añadir|quiero pedir|quiero agregar|quiero encargar|tengo que comprar|hay que comprar|hace falta comprar|nos hace falta|me hace falta|me falta|
puedo pedir|podemos añadir|me puedes traer|me podrías enviar|puedes comprar|puede agregar|podrían añadir|sean tan amables de añadir|haz el favor de añadir|
desearía comprar|desearía pedir|desearíamos|me encantaría comprar|
solicita|solicito|obtén|adquiere|búscame|pásame|guárdame|apártame|aparta|guarda|sube|introduce|adjunta|danos|tráenos|cómpranos|envíanos|mándanos|procúrame|me apetecen también|nos vendría bien|estaría bien|simplemente añade|solo añade|rápido añade|ahora añade|luego agrega|duplica|repón|incrementa en|aumenta en|aprovecha y pon|no olvides|recuerda comprar|acuérdate de añadir|sería ideal|ojalá pudieras añadir|me vas a poner""",
    ("es", "remove"): """quita|quite|quítame|elimina|elimine|saca|saque|borra|borre|bórrame|retira|retire|cancela|cancele|anula|anule|descarta|descarte|
suprime|suprima|devuelve|devuelva|tacha|tache|excluye|excluya|descuenta|descuente|resta|omite|omita|olvida|desecha|tira|deja fuera|deja de lado|
quito|elimino|devuelvo|cancelo|anulo|borro|saco|descarto|no compro|no me llevo|no nos llevamos|no queremos|no necesitamos|ya no queremos|no hace falta|ya no hace falta|
no voy a llevar|no pienso comprar|no compraré|prefiero no llevar|paso de|prescindo de|
quiero quitar|quiero cancelar|quiero devolver|quiero eliminar|tengo que devolver|hay que quitar|hay que cancelar|puedo devolver|puedo cancelar|podemos quitar|
puedes borrar|puede eliminar|podrían retirar|sean tan amables de retirar|haz el favor de quitar|desearía cancelar|desearía devolver|no compres|no pidas|no envíes|no añadas|
rechaza|abandona|desestima|anúlame|cancélame|quítanos|sácanos|corta|reduce en|disminuye en|declina|desmarca|deselecciona|libérame de|líbrame de|prescinde de|deshaz|deshaz la compra de|no incluyas|no mandes|no traigas|no metas|no pongas|no agregues|simplemente quita|solo quita|rápido quita|ahora elimina|luego borra|olvídate de|no me quedo con|preferiría no tener|preferiría quitar|mejor sin|mejor no|puedes quitar|puedes sacar|puede borrar|desisto de|no vamos a querer|ya no compro|deja de enviar""",
}
VERBS = {key: [verb.strip() for verb in text.replace("\n", "").split("|")] for key, text in VERBS.items()}

# Verbs whose object is not in the accusative (Croatian); the verb decides the slot.
VERBS_GENITIVE = {("hr", "remove"): ["odustajemo od", "riješite se", "odričem se", "dosta mi je",
                                     "oslobodi me"]}
VERBS_NOMINATIVE = {("hr", "add"): ["treba mi još", "fali mi", "fali nam", "potrebna nam je stavka", "nedostaje mi"],
                    ("hr", "remove"): ["ne treba mi", "ne treba nam više", "otpada mi", "ne treba nam", "više ne treba"]}

PLACES = {
    ("en", "add"): ["to the order", "to my list", "to the shopping list", "in the bag", "in the trolley", "on my list",
                    "for me", "for us", "to my cart", "in my basket", "with the rest", "on top of that"],
    ("en", "remove"): ["from the order", "from my list", "off the list", "from the bag", "from the trolley", "off the bill",
                       "from my cart", "from my basket", "for me", "from the rest", "from there"],
    ("hr", "add"): ["na popis", "na listu", "u kolica", "u torbu", "za mene", "za nas", "u košaricu", "uz ostalo", "na popis za kupnju",
                    "u moju narudžbu", "među ostalo"],
    ("hr", "remove"): ["s popisa", "s liste", "iz kolica", "iz torbe", "iz košarice", "s popisa za kupnju", "iz moje narudžbe",
                       "iz svega toga", "odande"],
    ("es", "add"): ["a la lista", "en la bolsa", "en el carro", "a mi lista", "a la lista de la compra", "para mí", "para nosotros",
                    "al carrito", "en mi cesta", "con lo demás", "a mi orden"],
    ("es", "remove"): ["de la lista", "de la bolsa", "del carro", "de mi lista", "de la lista de la compra", "del carrito", "de mi cesta",
                       "de lo demás", "de mi orden", "de ahí"],
}
NEUTRAL = {
    "en": ["when you have a minute", "for tomorrow", "for my mother", "this is urgent", "as we discussed", "if possible",
           "i'm in a hurry", "just that", "that's all", "sorry for the trouble", "one small change", "it's for the office"],
    "hr": ["kad stigneš", "za sutra", "za moju mamu", "hitno je", "kako smo se dogovorili", "ako je moguće", "žurim se",
           "samo to", "to je sve", "oprostite na smetnji", "jedna mala promjena", "to je za ured"],
    "es": ["cuando puedas", "para mañana", "para mi madre", "es urgente", "como hablamos", "si es posible", "tengo prisa",
           "solo eso", "eso es todo", "perdón por la molestia", "un pequeño cambio", "es para la oficina"],
}
REASONS = {
    ("en", "add"): ["we ran out yesterday", "it's on sale today", "guests are coming", "there is a party on saturday", "the old one broke",
                    "i almost forgot", "my wife asked for it", "the kids love it", "we are going on a trip", "it looks great", "i lost mine",
                    "the fridge is empty", "we never have enough", "it is a gift", "the price is good", "i have been looking for it", "time to stock up",
                    "mine is worn out", "i am cooking tonight", "school starts on monday", "we need it for breakfast", "dinner is at eight", "the shop was closed", "my boss wants it", "the team is growing", "summer is here", "winter is near", "we just moved in", "the baby needs it", "the dog ate the last one", "i promised my son", "it is her birthday", "i read good reviews", "the neighbours have one too", "mine got stolen", "i broke it this morning", "it was recommended by a friend", "the recipe calls for it", "we have a lot of work to do", "nothing is left at home", "the last one was great", "we are redecorating", "tomorrow is a holiday", "i can't live without it", "there is none in the house"],
    ("en", "remove"): ["we have plenty", "it's too expensive", "i found it elsewhere", "the kids hate it", "i clicked by mistake", "it is the wrong size",
                       "my wife already bought it", "the party is cancelled", "we can't afford it", "it arrives too late", "it is too big", "i am allergic",
                       "the old one works again", "i don't like the colour", "that was an accident", "the reviews are terrible", "nobody uses it", "the cupboard is full",
                       "i am on a diet", "we are staying home", "my boss said no", "we do not need that much", "plans have changed", "it will not fit", "the quality is poor", "i got it as a present", "the shop next door has it cheaper", "we still have some at home", "my doctor advised against it", "i ordered twice", "someone else is bringing it", "i cannot carry that much", "the budget is tight", "it went bad last time", "summer is over", "i regret it", "there is no room for it", "we moved away", "the trip was called off", "he prefers another brand", "it does not match", "i will borrow one", "i have one already", "it breaks too easily", "delivery takes ages"],
    ("hr", "add"): ["jučer smo potrošili sve", "danas je na akciji", "dolaze nam gosti", "u subotu je zabava", "stari se pokvario", "skoro sam zaboravio",
                    "žena je tražila", "djeca to vole", "idemo na put", "izgleda super", "izgubila sam svoje", "hladnjak je prazan", "nikad nam nije dosta",
                    "to je poklon", "cijena je dobra", "dugo to tražim", "vrijeme je za zalihe", "moje se istrošilo", "večeras kuham", "škola počinje u ponedjeljak", "treba nam za doručak", "večera je u osam", "dućan je bio zatvoren", "šef to traži", "tim raste", "stiglo je ljeto", "zima je blizu", "tek smo se uselili", "beba to treba", "pas je pojeo zadnje", "obećao sam sinu", "njoj je rođendan", "čitala sam dobre recenzije", "i susjedi to imaju", "moje su ukrali", "jutros sam razbio", "preporučila mi je prijateljica", "piše u receptu", "imamo puno posla", "doma nema ničega", "prošli put je bilo odlično", "preuređujemo stan", "sutra je praznik", "ne mogu bez toga", "ničega nema u kući"],
    ("hr", "remove"): ["imamo toga napretek", "preskupo je", "našla sam drugdje", "djeca to ne vole", "kliknuo sam greškom", "kriva je veličina", "žena je već kupila",
                       "zabava je otkazana", "ne možemo si to priuštiti", "stiže prekasno", "preveliko je", "alergična sam", "stari opet radi", "ne sviđa mi se boja",
                       "bilo je slučajno", "recenzije su grozne", "nitko to ne koristi", "ormar je pun", "na dijeti sam", "ostajemo doma", "šef je rekao ne", "ne treba nam toliko", "planovi su se promijenili", "neće stati", "kvaliteta je loša", "dobila sam na poklon", "u susjednom dućanu je jeftinije", "doma još imamo", "liječnik mi je zabranio", "naručio sam dvaput", "netko drugi donosi", "ne mogu toliko nositi", "budžet je mali", "prošli put se pokvarilo", "ljeto je gotovo", "žao mi je što sam naručila", "nema mjesta", "odselili smo se", "putovanje je otkazano", "on više voli drugu marku", "ne slaže se s ostalim", "posudit ću", "već imam jedno", "prelako se slomi", "dostava traje predugo"],
    ("es", "add"): ["ayer se terminó", "hoy está de oferta", "vienen invitados", "el sábado hay fiesta", "el viejo se estropeó", "casi lo olvido",
                    "me lo pidió mi mujer", "a mis hijos les encanta", "nos vamos de viaje", "tiene buena pinta", "perdí el mío", "la nevera está vacía", "nunca tenemos suficiente",
                    "es un regalo", "está bien de precio", "llevo tiempo buscándolo", "toca llenar la despensa", "el mío está gastado", "esta noche cocino", "el lunes empieza el cole", "lo necesitamos para el desayuno", "la cena es a las ocho", "la tienda estaba cerrada", "lo quiere mi jefe", "el equipo crece", "ya es verano", "se acerca el invierno", "nos acabamos de mudar", "lo necesita el bebé", "el perro se comió el último", "se lo prometí a mi hijo", "es su cumpleaños", "leí buenas opiniones", "los vecinos también lo tienen", "me robaron el mío", "lo rompí esta mañana", "me lo recomendó una amiga", "lo pide la receta", "tenemos mucho trabajo", "no queda nada en casa", "la última vez estuvo genial", "estamos redecorando", "mañana es festivo", "no puedo vivir sin eso", "no hay en casa"],
    ("es", "remove"): ["tenemos de sobra", "es muy caro", "lo encontré en otro sitio", "a mis hijos no les gusta", "le di sin querer", "no es mi talla", "mi mujer ya lo compró",
                       "la fiesta se canceló", "no nos lo podemos permitir", "llega muy tarde", "es demasiado grande", "soy alérgico", "el viejo vuelve a funcionar", "no me gusta el color",
                       "fue un error", "las opiniones son malas", "nadie lo usa", "el armario está lleno", "estoy a dieta", "nos quedamos en casa", "mi jefe dijo que no", "no necesitamos tanto", "los planes han cambiado", "no va a caber", "la calidad es mala", "me lo regalaron", "en la tienda de al lado es más barato", "todavía queda en casa", "el doctor me lo prohibió", "lo pedí dos veces por error", "lo trae otra persona", "no puedo llevar tanto", "el presupuesto es pequeño", "la otra vez se echó a perder", "se acabó el verano", "me arrepiento", "no hay sitio", "nos mudamos", "el viaje se canceló", "él prefiere otra marca", "no combina", "me lo van a prestar", "ya tengo uno", "se rompe con facilidad", "la entrega tarda mucho"],
}
LOOSE = {
    ("en", "add"): """{np} should be in my cart
{np} would be nice
how about {np}
what about {np}, i'd take that
i'm in the mood for {np}
my list is missing {np}
there is no {p} in my cart yet, add it
{p}? yes, add it
about {np}: yes, i'll take it
we could use {np}
{np}, to go with the rest
is it too late to add {np}
next up: {np}
next item: {np}
more {p}, buy it
{p} is what i need
one more thing to add: {np}
i forgot {np}
you forgot {np}, put it in
increase the order by {np}
same as last time plus {np}
everything and {np} too
plus {np}
with {np} too
say yes to {np}
make it {n}: {p}, add it
{n} - {p} - cart""",
    ("en", "remove"): """{np} should go
{np} should not be in my cart
it was a mistake to order {np}
{np} was not supposed to be there
how about we drop {np}
what is {np} doing in my cart, take it out
about {np}: no, i don't want it
{p}? no, remove it
{p} has to go
there is {np} in my cart that i don't want
i never ordered {np}
is it too late to cancel {np}
next, remove {np}
not {np}
no {p} for me
no {p} please
no {p}
less {np}
decrease the order by {np}
everything except {np}
everything but {np}
keep the rest but not {np}
without {np}
say no to {np}
i have {np} too many
{np} too many, fix it
make it {n} less: {p}
{n} - {p} - out""",
    ("hr", "add"): """rado bih {np}
neka bude i {nn}
može {nn}
može i {nn}
a {nn}
ne vidim {np}, dodaj
u kolicima još nema {ng}, dodaj
{p}? da, dodaj
što se tiče {ng}: da, uzimam
dobro bi mi poslužila stavka: {np}
je li kasno da dodam {np}
sljedeće: {np}
idući artikl: {np}
plus {np}
i {np} isto
sve to i {np}
zaboravio sam {np}
fali {nn}, stavi
povećaj narudžbu za {np}
isto kao prošli put plus {np}
uz to ide i {nn}
za kraj {np}
još samo {np} i gotovo
neka bude {n}: {p}, dodaj
{n} - {p} - košarica
tražim upravo {np}""",
    ("hr", "remove"): """nije potrebno slati {np}
moramo izbaciti {np}
u košarici ne želim {np}
greškom sam odabrala {np}
imam viška {ng}
u kolicima vidim {np}, a to ne želim
što u košarici radi {nn}, izbaci
{p}? ne, makni
što se tiče {ng}: ne, hvala
nisam naručio {np}
nikad nisam tražila {np}
je li kasno da otkažem {np}
sljedeće makni {np}
bez {ng} ovaj put
sve osim {ng}
sve ostavi osim {ng}
ostalo ostaje, ali {np} makni
ne {np}
nema potrebe, makni {np}
smanji narudžbu za {np}
umanji narudžbu za {np}
nisam htjela {np}
otpada: {nn}
ne ide: {nn}
neka bude {n} manje: {p}
{n} - {p} - van""",
    ("es", "add"): """{np} vendría bien
que haya también {np}
qué tal {np}
y {np}
no veo {np}, ponlo
en el carrito aún no hay {p}, añádelo
{p}? sí, añádelo
sobre {np}: sí, me lo llevo
me apetece {np}
es tarde para añadir {np}
siguiente: {np}
siguiente artículo: {np}
más {np}
todo eso y {np}
olvidé {np}
aquí falta {np}
aumenta el pedido en {np}
lo mismo que la última vez más {np}
con {np} también
por último {np}
solo {np} y ya está
que sean {n}: {p}, añade
{n} - {p} - carrito
{p} es lo que busco
lo que necesito es {np}""",
    ("es", "remove"): """no nos hace falta {np}
hay que sacar {np}
no dejes {np} en el carrito
fue un error pedir {np}
sobra {np}
hay {np} en el carrito que no quiero
qué hace {np} en mi cesta, sácalo
{p}? no, quítalo
sobre {np}: no, gracias
yo no pedí {np}
nunca encargué {np}
es tarde para cancelar {np}
ahora quita {np}
sin {p} esta vez
todo excepto {np}
todo menos {np}
deja lo demás pero quita {np}
no {np}
no más {p}
reduce el pedido en {np}
disminuye el pedido en {np}
nada de {p}
adiós a {np}
{np} ya no
que sean {n} menos: {p}
{n} - {p} - fuera""",
}
LOOSE = {key: text.strip().split("\n") for key, text in LOOSE.items()}


def build(rng, language, action):
    """A template made of parts."""
    key = language, action
    if rng.random() < 0.22:
        core = rng.pick(LOOSE[key])
    else:
        chance = rng.random()
        if chance < 0.08 and key in VERBS_GENITIVE:
            core = rng.pick(VERBS_GENITIVE[key]) + " {ng}"
        elif chance < 0.18 and key in VERBS_NOMINATIVE:
            core = rng.pick(VERBS_NOMINATIVE[key]) + " {nn}"
        else:
            verb, phrase = rng.pick(VERBS[key]), "{np}"
            if rng.random() < 0.10:
                phrase = "{p}" + rng.pick([" {n}", ", {n}", " - {n}", " ({n})"])
            place = rng.random()
            core = f"{verb} {phrase}"
            if place < 0.35:
                core += " " + rng.pick(PLACES[key])
            elif place < 0.42 and language != "en":
                core = rng.pick(PLACES[key]) + f" {verb} {phrase}"
            elif place < 0.47 and language == "hr" and " " not in verb:
                core = f"{phrase} {verb}"
    chance = rng.random()
    if chance < 0.35:
        clause = rng.pick(REASONS[key] if rng.random() < 0.75 else NEUTRAL[language])
        if rng.random() < 0.5:
            joint = {"en": [", so ", ". ", ", ", " - "], "hr": [", pa ", ". ", ", ", " - "],
                     "es": [", así que ", ". ", ", ", " - "]}[language]
            return clause + rng.pick(joint) + core
        joint = {"en": [", ", ". ", " because ", " - "], "hr": [", ", ". ", " jer ", " - "],
                 "es": [", ", ". ", " porque ", " - "]}[language]
        return core + rng.pick(joint) + clause
    return core
